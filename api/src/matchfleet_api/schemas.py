"""What goes over REST, in and out: the one definition that OpenAPI, checks and bodies come from.

Output has no defaults, so that generated clients see what is always there. Names are shown to other
players: printable characters only, no blanks around them.
"""

import datetime
import unicodedata
from typing import Annotated, Any, Literal

import pydantic

_LOGIN_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{2,31}$"
_NAME_PATTERN = r"^[a-z][a-z0-9-]{0,31}$"
MAX_RTT_MS = 60_000
MAX_REGIONS = 64

Slug = Annotated[str, pydantic.StringConstraints(pattern=_NAME_PATTERN)]
Token = Annotated[str, pydantic.StringConstraints(min_length=1, max_length=256)]
Password = Annotated[str, pydantic.StringConstraints(min_length=8, max_length=256)]


def _shown(name: str) -> str:
    if any(unicodedata.category(c)[0] in "CZ" and c != " " for c in name):
        raise ValueError("a name has printable characters only")
    if name != name.strip() or not name:
        raise ValueError("a name has no blanks around it")
    return name


ShownName = Annotated[
    str, pydantic.StringConstraints(min_length=1, max_length=32), pydantic.AfterValidator(_shown)
]
LoginName = Annotated[
    str,
    pydantic.StringConstraints(min_length=3, max_length=32, pattern=_LOGIN_PATTERN),
]
RttMs = Annotated[int, pydantic.Field(ge=0, le=MAX_RTT_MS)]


class Wire(pydantic.BaseModel):
    """Root of what goes over the wire: unknown fields are refused, values are final."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class GuestIn(Wire):
    """A guest; without a name one is made."""

    model_config = pydantic.ConfigDict(json_schema_extra={"examples": [{"name": "Ada"}]})
    name: ShownName | None = None


class CredentialsIn(Wire):
    """A login name, whose case does not matter, and a password."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={"examples": [{"name": "ada", "password": "correct horse"}]}
    )
    name: LoginName
    password: Password


class RefreshIn(Wire):
    """A refresh token, good for one use."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={"examples": [{"refresh_token": "3q2-7wAAAAA"}]}
    )
    refresh_token: Token


class LoginOut(Wire):
    """Tokens of a login; `expires_in` is the access token's life in seconds."""

    player_id: str
    name: str
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int


class RatingOut(Wire):
    """A rating in one mode of one game."""

    game: str
    mode: str
    rating: int
    games: int


class PlayerOut(Wire):
    """An account as everybody sees it."""

    id: str
    name: str
    kind: str
    created_at: datetime.datetime
    ratings: list[RatingOut]


class TicketIn(Wire):
    """A wish to play; `rtt_ms` holds measured round trips by region."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={
            "examples": [{"game": "airhockey", "mode": "blitz", "rtt_ms": {"eu": 24, "us": 110}}]
        }
    )
    game: Slug
    mode: Slug
    rtt_ms: Annotated[dict[Slug, RttMs], pydantic.Field(max_length=MAX_REGIONS)] = {}


class TicketOut(Wire):
    """A place in a queue; `waited_s` counts until it left the queue."""

    id: str
    state: str
    game: str
    mode: str
    queued_at: datetime.datetime
    expires_at: datetime.datetime
    match_id: str | None
    waited_s: float


class SeatOut(Wire):
    """One seat of a match: a player's, or a bot's."""

    seat: int
    team: int
    player_id: str | None
    name: str | None
    bot: str | None


class RatingChangeOut(Wire):
    """What a match did to a rating."""

    player_id: str
    before: int
    after: int


class MatchOut(Wire):
    """A match; `url` is there from Ready on, `result` once it completed."""

    id: str
    game: str
    mode: str
    region: str
    ranked: bool
    state: str
    reason: str | None
    message: str | None
    url: str | None
    seats: list[SeatOut]
    result: dict[str, Any] | None
    ratings: list[RatingChangeOut]
    requested_at: datetime.datetime
    ready_at: datetime.datetime | None
    ended_at: datetime.datetime | None


class LiveMatchOut(Wire):
    """The match a player sits in."""

    match: MatchOut


class MatchesOut(Wire):
    """A player's matches, newest first."""

    matches: list[MatchOut]


class JoinOut(Wire):
    """Where to connect and the token for one seat, good once and until `expires_at`."""

    url: str
    token: str
    seat: int
    expires_at: datetime.datetime


class LadderEntryOut(Wire):
    """One place on a ladder."""

    place: int
    player_id: str
    name: str
    rating: int
    games: int


class LadderOut(Wire):
    """The first places of a ladder."""

    entries: list[LadderEntryOut]


class QueueOut(Wire):
    """A queue as players see it; `bot_after_s` is null when no bots fill seats."""

    game: str
    mode: str
    teams: int
    team_size: int
    ranked: bool
    regions: list[str]
    rtt_cap_ms: int
    bot_after_s: float | None
    ticket_ttl_s: int


class QueuesOut(Wire):
    """All queues."""

    queues: list[QueueOut]


class RegionOut(Wire):
    """A region and the queues that play there."""

    region: str
    queues: list[str]


class RegionsOut(Wire):
    """All regions."""

    regions: list[RegionOut]


class CheckOut(Wire):
    """One invariant: `violations` names what breaks it, `detail` what was looked at."""

    invariant: str
    title: str
    ok: bool
    violations: list[str]
    detail: str


class AuditOut(Wire):
    """All invariants, looked at now."""

    ok: bool
    checks: list[CheckOut]


class HourOut(Wire):
    """One hour of one mode in one region."""

    hour: datetime.datetime
    game: str
    mode: str
    region: str
    created: int
    completed: int
    failed: int
    cancelled: int
    humans: int
    bots: int
    ticks: int
    players: int


class AnalyticsOut(Wire):
    """Hours, newest first."""

    rows: list[HourOut]


class FieldErrorOut(Wire):
    """What is wrong with one place of a request."""

    pointer: str
    detail: str


class ProblemOut(pydantic.BaseModel):
    """An error as RFC 9457 has it; `code` is for programs, `detail` for people."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "you have an open ticket: cancel it first, or wait for its match",
                    "code": "ticket_open",
                }
            ]
        }
    )
    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldErrorOut] | None = None


class CancelOut(Wire):
    """The end of a match was asked for; it comes with the match's own event."""

    match_id: str
    desired: Literal["Cancel"]
