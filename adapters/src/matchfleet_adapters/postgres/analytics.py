"""What is added to the hourly aggregates."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts.ids import PlayerId

_FILE = "analytics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is counted together: one hour of one mode in one region."""

    hour: datetime.datetime
    game: str
    mode: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """How many matches, and who and how long played in them."""

    created: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    humans: int = 0
    bots: int = 0
    ticks: int = 0


async def add_matches(connection: pool.Connection, key: Key, matches: Matches) -> None:
    """Add to an hour's matches."""
    await connection.execute(
        queries.query(_FILE, "add_matches"),
        key.hour,
        key.game,
        key.mode,
        key.region,
        matches.created,
        matches.completed,
        matches.failed,
        matches.cancelled,
        matches.humans,
        matches.bots,
        matches.ticks,
    )


async def add_players(
    connection: pool.Connection, key: Key, *, players: Sequence[PlayerId]
) -> None:
    """Count players to an hour, each once."""
    await connection.execute(
        queries.query(_FILE, "add_players"),
        key.hour,
        key.game,
        key.mode,
        key.region,
        sorted(players),
    )
