"""What this package refuses, and why.

ApiError
 +-- SettingsInvalid         a process cannot start as it was told to
 |    +-- QueuesInvalid      the queues file does not describe queues
 |    +-- KeysInvalid        a key file cannot be read
 +-- Refusal                 a request is refused; `problems.py` says how that is told over HTTP
      +-- Unauthenticated    no token, or none that we accept
      +-- WrongCredentials   no such name and password
      +-- RefreshRefused     a refresh token is unknown, expired, revoked or was used before
      +-- AdminOnly          the admin token is missing or wrong
      +-- NameTaken          somebody has this login name
      +-- NoSuch             there is no such player, ticket, match or queue
      +-- NoLiveMatch        the player sits in no match
      +-- TicketOpen         the player waits already
      +-- AlreadyPlaying     the player sits in a match
      +-- TooLate            the ticket is no longer in the queue
      +-- NotReady           the match has no server yet
      +-- NotInMatch         the player has no seat in this match
      +-- MatchOver          the match ended
      +-- Throttled          too many of these in a short time
      +-- Overloaded         more work waits than can be done in time
      +-- BodyTooLarge       the request's body is larger than we read
"""

from typing import ClassVar


class ApiError(Exception):
    """Root of this package's errors."""


class SettingsInvalid(ApiError):
    """A process cannot start as it was told to; the message says what to change."""


class QueuesInvalid(SettingsInvalid):
    """The queues file does not describe queues; the message names the place in it."""


class KeysInvalid(SettingsInvalid):
    """A key file cannot be read; the message names it."""


class Refusal(ApiError):
    """A request is refused; the message is for the one who sent it."""

    code: ClassVar[str] = "refused"


class Unauthenticated(Refusal):
    """No token, or none that we accept; why exactly is for the log only."""

    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("send a valid access token: Authorization: Bearer <token>")


class WrongCredentials(Refusal):
    """No such name and password; which of the two is not told."""

    code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__("there is no account with this name and password")


class RefreshRefused(Refusal):
    """A refresh token is unknown, expired, revoked or was used before."""

    code = "refresh_refused"

    def __init__(self) -> None:
        super().__init__("this refresh token is not valid: log in again")


class AdminOnly(Refusal):
    """The admin token is missing or wrong."""

    code = "admin_only"

    def __init__(self) -> None:
        super().__init__("send the admin token: Authorization: Bearer <token>")


class NameTaken(Refusal):
    """Somebody has this login name."""

    code = "name_taken"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"the name {name!r} is taken: choose another")


class NoSuch(Refusal):
    """There is no such player, ticket, match or queue, or none that the asker may see."""

    code = "not_found"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"there is no such {kind}")


class NoLiveMatch(Refusal):
    """The player sits in no match."""

    code = "no_live_match"

    def __init__(self) -> None:
        super().__init__("you are in no match: open a ticket to get one")


class TicketOpen(Refusal):
    """The player waits already."""

    code = "ticket_open"

    def __init__(self) -> None:
        super().__init__("you have an open ticket: cancel it first, or wait for its match")


class AlreadyPlaying(Refusal):
    """The player sits in a match."""

    code = "already_playing"

    def __init__(self) -> None:
        super().__init__("you are in a match: GET /v1/players/me/match tells which")


class TooLate(Refusal):
    """The ticket is no longer in the queue."""

    code = "too_late"

    def __init__(self, state: str) -> None:
        self.state = state
        super().__init__(f"the ticket is {state} and cannot be cancelled any more")


class NotReady(Refusal):
    """The match has no server yet."""

    code = "not_ready"

    def __init__(self) -> None:
        super().__init__("the match has no server yet: wait for match.ready on the channel")


class NotInMatch(Refusal):
    """The player has no seat in this match."""

    code = "not_in_match"

    def __init__(self) -> None:
        super().__init__("you have no seat in this match")


class MatchOver(Refusal):
    """The match ended."""

    code = "ended"

    def __init__(self) -> None:
        super().__init__("the match is over")


class Throttled(Refusal):
    """Too many of these in a short time."""

    code = "throttled"

    def __init__(self, *, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"too many attempts: try again in {retry_after_s} s")


class Overloaded(Refusal):
    """More work waits than can be done in time."""

    code = "overloaded"

    def __init__(self) -> None:
        super().__init__("too much work is waiting: try again in a moment")


class BodyTooLarge(Refusal):
    """The request's body is larger than we read."""

    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"a request's body has at most {limit} bytes")
