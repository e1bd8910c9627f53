"""What can go wrong for a client, each with what to do about it.

ClientError
 +-- Unreachable          nothing answers at an address
 +-- ReplyInvalid         the answer is not what this API says
 +-- Refused              the API said no; carries status, code and detail
 |    +-- LoginNeeded     401: nobody is logged in, or the login has ended
 |    +-- NotFound        404
 |    +-- Conflict        409
 +-- ChannelRefused       the channel said no; carries the close code
 +-- GameRefused          a game server said no; carries its code
 +-- MatchLost            a match ended without a result that counts; carries the reason
 +-- TicketLost           a ticket left the queue without a match
 +-- AuthorityUnreadable  the file of whom to trust is none
 +-- NoPolicy             this client does not know how to play that
 +-- OutOfTime            something expected did not happen in time
 +-- KubectlMissing       there is no kubectl to read the cluster with
 +-- KubectlFailed        kubectl could not do it; carries its own words
"""


class ClientError(Exception):
    """Root of this package's errors."""


class Unreachable(ClientError):
    """Nothing answers at an address, or a connection broke before the answer."""

    def __init__(self, address: str, why: str) -> None:
        self.address = address
        super().__init__(f"{address} does not answer ({why}): is it running, is the address right?")


class AuthorityUnreadable(ClientError):
    """The file of whom to trust cannot be read, or holds no certificate."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} holds no certificates in PEM ({why}): name another file")


class ReplyInvalid(ClientError):
    """An answer is not what this API says: most often the address of something else."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} is not an answer of Matchfleet ({why}): check the address")


class Refused(ClientError):
    """The API said no.

    Attributes:
        status: the HTTP status.
        code: the API's own word for the reason, for programs.
        detail: the API's sentence, for people.
    """

    def __init__(self, *, status: int, code: str, detail: str) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(f"{detail or 'refused'} ({status} {code})")


class LoginNeeded(Refused):
    """Nobody is logged in, or the login has ended."""


class NotFound(Refused):
    """There is no such thing."""


class Conflict(Refused):
    """The present state does not allow it."""


class ChannelRefused(ClientError):
    """The channel closed with a code that a new connection would not change."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        super().__init__(f"the channel refused this login ({code} {reason}): log in again")


class GameRefused(ClientError):
    """A game server did not let the player in."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"the game server refused to let the player in ({code}): {message}")


class MatchLost(ClientError):
    """A match ended without a result that counts; its players may queue again."""

    def __init__(self, match: str, *, state: str, reason: str, message: str) -> None:
        self.match = match
        self.state = state
        self.reason = reason
        why = f"{reason}: {message}" if message else reason
        super().__init__(f"match {match} {state} ({why}): queue again")


class TicketLost(ClientError):
    """A ticket left the queue without a match."""

    def __init__(self, ticket: str, state: str) -> None:
        self.state = state
        super().__init__(f"ticket {ticket} is {state}: queue again")


class NoPolicy(ClientError):
    """This client does not know how to play that."""


class OutOfTime(ClientError):
    """Something expected did not happen in time."""

    def __init__(self, what: str, within_s: float) -> None:
        super().__init__(f"{what} did not happen within {within_s:g} s")


class KubectlMissing(ClientError):
    """There is no kubectl to read the cluster with."""

    def __init__(self, program: str) -> None:
        super().__init__(
            f"{program} is not on the PATH: install kubectl, or say where it is with --kubectl"
        )


class KubectlFailed(ClientError):
    """Kubectl could not read the cluster."""

    def __init__(self, words: str) -> None:
        self.words = words.strip()
        super().__init__(f"kubectl says: {self.words or 'nothing at all'}")


BY_STATUS: dict[int, type[Refused]] = {401: LoginNeeded, 404: NotFound, 409: Conflict}
