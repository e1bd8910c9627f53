"""Matches and seats in PostgreSQL: what was agreed, where it is played, who sits where.

requested (agreed) -> created (its Match resource exists) -> ready -> completed, failed, cancelled.
This module writes the first three; ranking alone writes the ends.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts.ids import MatchId, MatchUid, PlayerId, PodUid, Seat, TicketId

_FILE = "matches"


class MatchState(enum.StrEnum):
    """Where a match's row stands."""

    REQUESTED = "requested"
    CREATED = "created"
    READY = "ready"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_ended(self) -> bool:
        """Whether the match is over."""
        return self in {MatchState.COMPLETED, MatchState.FAILED, MatchState.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSeat:
    """A seat to be written: a player's by a ticket, or a bot's."""

    seat: int
    team: int
    player_id: PlayerId | None = None
    ticket_id: TicketId | None = None
    bot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMatch:
    """A match to be written with its seats; `spec` is the Match resource's."""

    id: MatchId
    game: str
    mode: str
    region: str
    ranked: bool
    spec: Mapping[str, Any]
    spec_digest: str
    not_after: datetime.datetime
    seats: tuple[NewSeat, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """A match's row; `result` is the Result as ranking kept it."""

    id: MatchId
    game: str
    mode: str
    region: str
    ranked: bool
    state: MatchState
    uid: MatchUid | None
    pod_uid: PodUid | None
    url: str | None
    reason: str | None
    message: str | None
    result: Mapping[str, Any] | None
    spec: Mapping[str, Any]
    spec_digest: str
    requested_at: datetime.datetime
    not_after: datetime.datetime
    created_at: datetime.datetime | None
    ready_at: datetime.datetime | None
    ended_at: datetime.datetime | None


@dataclass(frozen=True, slots=True)
class SeatRow:
    """One seat, with the name of whoever sits there."""

    seat: Seat
    team: int
    player_id: PlayerId | None
    name: str | None
    bot: str | None


@dataclass(frozen=True, slots=True)
class RatingChange:
    """What a match did to a player's rating."""

    player_id: PlayerId
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Requested:
    """A match that has no resource yet."""

    id: MatchId
    spec: Mapping[str, Any]
    spec_digest: str
    not_after: datetime.datetime


async def insert(
    connection: pool.Connection, new: Sequence[NewMatch], *, requested_at: datetime.datetime
) -> None:
    """Write matches; their seats follow once the tickets are theirs."""
    await connection.execute(
        queries.query(_FILE, "insert_matches"),
        [m.id for m in new],
        [m.game for m in new],
        [m.mode for m in new],
        [m.region for m in new],
        [m.ranked for m in new],
        [dict(m.spec) for m in new],
        [m.spec_digest for m in new],
        requested_at,
        [m.not_after for m in new],
    )


async def insert_seats(connection: pool.Connection, new: Sequence[NewMatch]) -> None:
    """Write the seats of matches.

    Raises:
        asyncpg.UniqueViolationError: a player holds a live seat already.
    """
    rows = [(m.id, s) for m in new for s in m.seats]
    await connection.execute(
        queries.query(_FILE, "insert_seats"),
        [match for match, _ in rows],
        [s.seat for _, s in rows],
        [s.team for _, s in rows],
        [s.player_id for _, s in rows],
        [s.ticket_id for _, s in rows],
        [s.bot for _, s in rows],
    )


async def get(connection: pool.Connection, match_id: MatchId) -> Match | None:
    """The match with this id."""
    row = await connection.fetchrow(queries.query(_FILE, "get"), match_id)
    return None if row is None else _match(row)


async def live(connection: pool.Connection) -> list[Match]:
    """Every match that is not over, oldest first."""
    return [_match(row) for row in await connection.fetch(queries.query(_FILE, "live"))]


async def seats(connection: pool.Connection, match_id: MatchId) -> list[SeatRow]:
    """A match's seats in order."""
    rows = await connection.fetch(queries.query(_FILE, "seats"), match_id)
    return [SeatRow(**row) for row in rows]


async def seat_of(
    connection: pool.Connection, match_id: MatchId, *, player_id: PlayerId
) -> tuple[Seat, str] | None:
    """A player's seat in a match and the player's name."""
    row = await connection.fetchrow(queries.query(_FILE, "seat_of"), match_id, player_id)
    return None if row is None else (Seat(row["seat"]), row["name"])


async def players(connection: pool.Connection, match_id: MatchId) -> list[PlayerId]:
    """The humans of a match by seat."""
    rows = await connection.fetch(queries.query(_FILE, "players"), match_id)
    return [row["player_id"] for row in rows]


async def rating_changes(connection: pool.Connection, match_id: MatchId) -> list[RatingChange]:
    """What a match did to ratings."""
    rows = await connection.fetch(queries.query(_FILE, "changes"), match_id)
    return [RatingChange(**row) for row in rows]


async def live_of_player(connection: pool.Connection, player_id: PlayerId) -> MatchId | None:
    """The match in which a player holds a live seat."""
    found: MatchId | None = await connection.fetchval(
        queries.query(_FILE, "live_of_player"), player_id
    )
    return found


async def of_player(connection: pool.Connection, player_id: PlayerId, *, limit: int) -> list[Match]:
    """A player's matches, newest first."""
    rows = await connection.fetch(queries.query(_FILE, "of_player"), player_id, limit)
    return [_match(row) for row in rows]


async def lock_requested(
    connection: pool.Connection,
    *,
    now: datetime.datetime,
    but: Sequence[MatchId],
    limit: int,
) -> list[Requested]:
    """Matches to create resources for, locked against other relays; `but` are left alone."""
    rows = await connection.fetch(queries.query(_FILE, "lock_requested"), now, list(but), limit)
    return [Requested(**row) for row in rows]


async def mark_created(
    connection: pool.Connection, match_id: MatchId, *, uid: MatchUid, at: datetime.datetime
) -> None:
    """Keep the UID of a requested match's resource; later states stay as they are."""
    await connection.execute(queries.query(_FILE, "mark_created"), match_id, uid, at)


async def mark_ready(
    connection: pool.Connection,
    match_id: MatchId,
    *,
    uid: MatchUid,
    pod_uid: PodUid,
    url: str,
    at: datetime.datetime,
) -> bool:
    """Whether this call made the match ready; a second one, or a late one, does nothing."""
    status = await connection.execute(
        queries.query(_FILE, "mark_ready"), match_id, uid, pod_uid, url, at
    )
    return status == "UPDATE 1"


def _match(row: asyncpg.Record) -> Match:
    return Match(**{**row, "state": MatchState(row["state"])})
