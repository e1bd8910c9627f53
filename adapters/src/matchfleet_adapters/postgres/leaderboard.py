"""Ladders: ratings in order. Equal ratings are ordered by player, so that a page is stable."""

from dataclasses import dataclass

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts.ids import PlayerId


@dataclass(frozen=True, slots=True)
class Entry:
    """One place on a ladder, counted from 1."""

    place: int
    player_id: PlayerId
    name: str
    rating: int
    games: int


async def top(connection: pool.Connection, *, game: str, mode: str, limit: int) -> list[Entry]:
    """The first `limit` of a ladder."""
    rows = await connection.fetch(queries.query("leaderboard", "top"), game, mode, limit)
    return [Entry(**row) for row in rows]
