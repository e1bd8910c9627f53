"""The end of a match in PostgreSQL, and what it does to ratings.

Locks are taken in one order by everybody: the match, then its players' ratings by player. The two
reads of a match are two statements, so that the second sees what was committed while the first
waited for its lock.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts.ids import MatchId, MatchUid, PlayerId, TicketId
from matchfleet_contracts.results import Result

_FILE = "ranking"


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of the roster; `player_id` is None for a bot, or an account that is gone."""

    seat: int
    team: int
    player_id: PlayerId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A match that is locked until the transaction ends."""

    id: MatchId
    game: str
    mode: str
    region: str
    ranked: bool
    state: str
    uid: MatchUid | None
    seats: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket whose match is over."""

    id: TicketId
    player_id: PlayerId
    queued_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """A rating before a match, and by how much the match moves it."""

    player_id: PlayerId
    before: int
    delta: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Moves of one match in the ledger of a ladder.

    Attributes:
        after: the last move that was to be seen when they were written.
        last: the last of them.
    """

    after: int
    last: int


@dataclass(frozen=True, slots=True)
class Ratings:
    """Ratings of a ladder, and the last move that they hold."""

    of: Mapping[PlayerId, int]
    last: int


async def lock_match(connection: pool.Connection, match_id: MatchId) -> Match | None:
    """The match with its roster, locked against everybody who would change it."""
    row = await connection.fetchrow(queries.query(_FILE, "lock_match"), match_id)
    if row is None:
        return None
    seats = await connection.fetch(queries.query(_FILE, "seats"), match_id)
    return Match(**row, seats=tuple(Seat(**seat) for seat in seats))


async def end_match(
    connection: pool.Connection,
    match_id: MatchId,
    *,
    state: str,
    uid: MatchUid | None,
    reason: str | None,
    message: str,
    result: Result | None,
) -> datetime.datetime | None:
    """Write a match's end and free its seats; returns when, or None when it had ended before."""
    ended_at: datetime.datetime | None = await connection.fetchval(
        queries.query(_FILE, "end_match"), match_id, state, uid, reason, message or None, result
    )
    return ended_at


async def use_tickets(connection: pool.Connection, match_id: MatchId) -> list[Ticket]:
    """The tickets that nobody had marked yet although their match came about."""
    rows = await connection.fetch(queries.query(_FILE, "use_tickets"), match_id)
    return [Ticket(**row) for row in rows]


async def requeue_tickets(
    connection: pool.Connection, match_id: MatchId, *, avoid_region: str
) -> list[Ticket]:
    """The tickets that wait again, with their original time."""
    rows = await connection.fetch(queries.query(_FILE, "requeue_tickets"), match_id, avoid_region)
    return [Ticket(**row) for row in rows]


async def lock_ratings(
    connection: pool.Connection,
    players: Sequence[PlayerId],
    *,
    game: str,
    mode: str,
    initial: int,
) -> dict[PlayerId, int]:
    """The players' ratings, locked; whoever has none gets the initial one."""
    found = await _lock_ratings(connection, players, game, mode)
    if missing := sorted(set(players) - found.keys()):
        await connection.execute(queries.query(_FILE, "open_ratings"), missing, game, mode, initial)
        found |= await _lock_ratings(connection, missing, game, mode)
    return found


async def _lock_ratings(
    connection: pool.Connection, players: Sequence[PlayerId], game: str, mode: str
) -> dict[PlayerId, int]:
    rows = await connection.fetch(queries.query(_FILE, "lock_ratings"), sorted(players), game, mode)
    return {row["player_id"]: row["rating"] for row in rows}


async def change_ratings(
    connection: pool.Connection,
    match_id: MatchId,
    *,
    game: str,
    mode: str,
    moved: Sequence[Moved],
) -> Stretch:
    """Write the ledger and the ratings of players whose ratings are locked.

    Raises:
        asyncpg.UniqueViolationError: this match has moved one of them before.
    """
    row = await connection.fetchrow(
        queries.query(_FILE, "change_ratings"),
        match_id,
        game,
        mode,
        [m.player_id for m in moved],
        [m.before for m in moved],
        [m.delta for m in moved],
    )
    assert row is not None, "an aggregate has a row"  # noqa: S101
    return Stretch(after=row["after"], last=row["last"])


async def ladders(connection: pool.Connection) -> list[tuple[str, str]]:
    """Every game and mode in which somebody has a rating."""
    rows = await connection.fetch(queries.query(_FILE, "ladders"))
    return [(row["game"], row["mode"]) for row in rows]


async def ladder(connection: pool.Connection, *, game: str, mode: str) -> Ratings:
    """Everybody's rating on one ladder."""
    rows = await connection.fetch(queries.query(_FILE, "ladder"), game, mode)
    return _ratings(rows, last=0)


async def ladder_changes(
    connection: pool.Connection, *, game: str, mode: str, after: int
) -> Ratings:
    """The ratings of whoever moved on a ladder after a move of its ledger."""
    rows = await connection.fetch(queries.query(_FILE, "moved_after"), game, mode, after)
    return _ratings(rows, last=after)


def _ratings(rows: Sequence[asyncpg.Record], *, last: int) -> Ratings:
    values = {row["player_id"]: row["rating"] for row in rows}
    return Ratings(values, last=max((row["last"] for row in rows), default=last))
