"""Hourly aggregates as analytics keeps them, for reading."""

import datetime
from dataclasses import dataclass

from matchfleet_adapters.postgres import pool, queries


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one mode in one region; `players` counts each player once."""

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


async def since(connection: pool.Connection, at: datetime.datetime) -> list[Hour]:
    """The hours that began at `at` or later, newest first."""
    rows = await connection.fetch(queries.query("hours", "since"), at)
    return [Hour(**row) for row in rows]
