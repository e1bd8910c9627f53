"""Ladders: ratings in order. Equal ratings are ordered by player, so that a page is stable."""

from collections.abc import Sequence
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


async def last_move(connection: pool.Connection, *, game: str, mode: str) -> int:
    """The number of the last move in the ledger of a ladder, 0 where nobody has moved."""
    found: int = await connection.fetchval(queries.query("leaderboard", "last_move"), game, mode)
    return found


async def named(
    connection: pool.Connection, players: Sequence[PlayerId], *, game: str, mode: str
) -> list[Entry]:
    """These players in this order, as a ladder lists them; whoever is not on it is left out."""
    rows = await connection.fetch(queries.query("leaderboard", "named"), players, game, mode)
    known = {row["player_id"]: row for row in rows}
    return [
        Entry(place, player, row["name"], row["rating"], row["games"])
        for place, player in enumerate(players, start=1)
        if (row := known.get(player)) is not None
    ]
