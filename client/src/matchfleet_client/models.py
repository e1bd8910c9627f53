"""The API's answers as values. Unknown fields are ignored, so an older client reads a newer API."""

from typing import Any

import msgspec

from matchfleet_contracts import results
from matchfleet_contracts.ids import MatchId, PlayerId, Seat, TicketId

ENDED = frozenset({"completed", "failed", "cancelled"})
"""States of a match after which nothing about it changes."""


class Login(msgspec.Struct, frozen=True):
    """A logged-in player and its tokens; `expires_in` is the access token's life in seconds."""

    player_id: PlayerId
    name: str
    access_token: str
    refresh_token: str
    expires_in: int

    def __repr__(self) -> str:
        return f"Login(player_id={self.player_id!r}, name={self.name!r})"


class Rating(msgspec.Struct, frozen=True):
    """A player's rating in one game and mode."""

    game: str
    mode: str
    rating: int
    games: int


class Player(msgspec.Struct, frozen=True):
    """A player as everybody may see it."""

    id: PlayerId
    name: str
    kind: str
    created_at: str
    ratings: list[Rating] = []

    def rating(self, game: str, mode: str) -> int | None:
        """The rating in one game and mode; None before the first rated match."""
        return next((r.rating for r in self.ratings if (r.game, r.mode) == (game, mode)), None)


class Ticket(msgspec.Struct, frozen=True):
    """A place in a queue; `waited_s` is how long it has been there."""

    id: TicketId
    state: str
    game: str
    mode: str
    queued_at: str
    expires_at: str
    match_id: MatchId | None = None
    waited_s: float = 0.0


class SeatHolder(msgspec.Struct, frozen=True):
    """Who plays one seat: a player, or a bot."""

    seat: Seat
    team: int
    player_id: PlayerId | None = None
    name: str | None = None
    bot: str | None = None


class RatingMove(msgspec.Struct, frozen=True):
    """How a match moved a player's rating."""

    player_id: PlayerId
    before: int
    after: int


class Match(msgspec.Struct, frozen=True):
    """A match; `state` runs requested, created, ready, then completed, failed or cancelled."""

    id: MatchId
    game: str
    mode: str
    region: str
    ranked: bool
    state: str
    requested_at: str
    reason: str | None = None
    message: str | None = None
    url: str | None = None
    seats: list[SeatHolder] = []
    result: results.Result | None = None
    ratings: list[RatingMove] = []
    ready_at: str | None = None
    ended_at: str | None = None

    @property
    def is_ended(self) -> bool:
        """Whether nothing about it changes any more."""
        return self.state in ENDED


class Join(msgspec.Struct, frozen=True):
    """The right to one seat: where, with what, until when."""

    url: str
    token: str
    seat: Seat
    expires_at: str

    def __repr__(self) -> str:
        return f"Join(url={self.url!r}, seat={self.seat!r})"


class LadderEntry(msgspec.Struct, frozen=True):
    """One place of a leaderboard."""

    place: int
    player_id: PlayerId
    name: str
    rating: int
    games: int


class Leaderboard(msgspec.Struct, frozen=True):
    """The first places of one game and mode."""

    entries: list[LadderEntry]


class QueueInfo(msgspec.Struct, frozen=True):
    """A queue that players may join, and the regions it plays in."""

    game: str
    mode: str
    regions: list[str] = []
    ranked: bool = True


class Check(msgspec.Struct, frozen=True):
    """One invariant as the audit found it."""

    invariant: str
    title: str
    ok: bool
    violations: list[Any] = []
    detail: Any = None


class Audit(msgspec.Struct, frozen=True):
    """The audit of a live install: clean when every check is."""

    ok: bool
    checks: list[Check]


class Problem(msgspec.Struct, frozen=True):
    """An error's body (RFC 9457), as far as a client acts on it."""

    title: str = ""
    status: int = 0
    detail: str = ""
    code: str = ""
    errors: list[Any] = []
