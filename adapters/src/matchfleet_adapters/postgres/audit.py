"""Queries that look for what must never be: a row for every breach, none when all is well."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matchfleet_adapters.postgres import pool, queries
from matchfleet_adapters.postgres.matches import MatchState
from matchfleet_contracts.ids import MatchId, MatchUid

_FILE = "audit"


@dataclass(frozen=True, slots=True)
class Breach:
    """Who breaks a rule, and how."""

    who: str
    how: str

    def __str__(self) -> str:
        return f"{self.who}: {self.how}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What PostgreSQL says of a match's end."""

    id: MatchId
    state: MatchState
    uid: MatchUid | None
    result: Mapping[str, Any] | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is."""

    matches: int
    tickets: int
    seats: int
    ledger: int


async def recorded(
    connection: pool.Connection, match_ids: Sequence[MatchId]
) -> dict[MatchId, Recorded]:
    """What is recorded of these matches."""
    rows = await connection.fetch(queries.query(_FILE, "rows"), list(match_ids))
    return {r["id"]: Recorded(**{**r, "state": MatchState(r["state"])}) for r in rows}


async def breaches(connection: pool.Connection, name: str, *arguments: object) -> list[Breach]:
    """The breaches that one query of `audit.sql` finds."""
    rows = await connection.fetch(queries.query(_FILE, name), *arguments)
    return [Breach(r["who"], r["how"]) for r in rows]


async def ladders(connection: pool.Connection) -> list[tuple[str, str]]:
    """Every game and mode in which somebody has a rating."""
    rows = await connection.fetch(queries.query(_FILE, "ladders"))
    return [(r["game"], r["mode"]) for r in rows]


async def slow(
    connection: pool.Connection, *, share: float, since: datetime.datetime
) -> list[Breach]:
    """Matches that ended since a time and missed their tick rate by more than a share."""
    return await breaches(connection, "slow", share, since)


async def counts(connection: pool.Connection) -> Counts:
    """How much an audit looked at."""
    row = await connection.fetchrow(queries.query(_FILE, "counts"))
    if row is None:
        raise AssertionError("a query without FROM returns one row")
    return Counts(**row)
