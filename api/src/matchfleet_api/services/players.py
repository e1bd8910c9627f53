"""Players and ladders as everybody sees them, remembered until a rating moves.

A ladder comes from ranking's view in Redis while that has missed no move of PostgreSQL's ledger,
and from PostgreSQL otherwise: without Redis, after it was flushed, while a view is behind.
"""

from collections.abc import Sequence
from typing import Protocol

from matchfleet_adapters import errors as adapter_errors
from matchfleet_adapters.postgres import accounts, leaderboard, pool
from matchfleet_adapters.redis import cache, ladders
from matchfleet_api import errors, schemas
from matchfleet_contracts.ids import PlayerId
from matchfleet_telemetry import metrics

KIND = "player"
LADDER_KIND = "ladder"
PLAYER_MS = 60_000
LADDER_MS = 10_000
LADDER_SIZES = (10, 50, 100)
"""Ladders are remembered in these sizes, so that one event names all that it makes untrue."""


LADDER_READS = metrics.counter(
    "matchfleet_ladder_reads_total",
    "Ladders that were not remembered, by where they were read: view or postgres.",
    ("source",),
)


class View(Protocol):
    """The ladders as ranking shows them in Redis; may raise `errors.Unavailable`."""

    async def top(self, game: str, mode: str, *, limit: int) -> ladders.Shown | None:
        """The first of a ladder, None when there is no view that may be read."""
        ...


class Players:
    """Reads players and ladders."""

    def __init__(self, database: pool.Database, remembered: cache.Cache, *, view: View) -> None:
        self._database = database
        self._cache = remembered
        self._view = view

    async def get(self, player: PlayerId) -> bytes:
        """The JSON of a `schemas.PlayerOut`.

        Raises:
            errors.NoSuch: there is no such player.
        """

        async def load() -> tuple[bytes, int]:
            return (await self.read(player)).model_dump_json().encode(), PLAYER_MS

        return await self._cache.cached(cache.Subject(KIND, player), load)

    async def read(self, player: PlayerId) -> schemas.PlayerOut:
        """The player as PostgreSQL has it.

        Raises:
            errors.NoSuch: there is no such player.
        """
        async with self._database.connection() as connection:
            found = await accounts.player(connection, player)
            if found is None:
                raise errors.NoSuch("player")
            ratings = await accounts.ratings(connection, player)
        return schemas.PlayerOut(
            id=found.id,
            name=found.name,
            kind=found.kind.value,
            created_at=found.created_at,
            ratings=[
                schemas.RatingOut(game=r.game, mode=r.mode, rating=r.rating, games=r.games)
                for r in ratings
            ],
        )

    async def ladder(self, game: str, mode: str, *, limit: int) -> schemas.LadderOut:
        """The first `limit` (at most 100) of a ladder; one that nobody is on is empty."""
        size = next(s for s in LADDER_SIZES if s >= limit)

        async def load() -> tuple[bytes, int]:
            found = await self._shown_ladder(game, mode, limit=size)
            source = "postgres" if found is None else "view"
            LADDER_READS.labels(source).inc()
            found = found or await self.read_ladder(game, mode, limit=size)
            return found.model_dump_json().encode(), LADDER_MS

        body = await self._cache.cached(ladder_subject(game, mode, size), load)
        found = schemas.LadderOut.model_validate_json(body)
        return schemas.LadderOut(entries=found.entries[:limit])

    async def read_ladder(self, game: str, mode: str, *, limit: int) -> schemas.LadderOut:
        """The ladder as PostgreSQL has it."""
        async with self._database.connection() as connection:
            found = await leaderboard.top(connection, game=game, mode=mode, limit=limit)
        return _ladder_out(found)

    async def _shown_ladder(self, game: str, mode: str, *, limit: int) -> schemas.LadderOut | None:
        """The ladder as Redis shows it; None when that is not what PostgreSQL has."""
        try:
            shown = await self._view.top(game, mode, limit=limit)
        except adapter_errors.Unavailable:
            return None
        if shown is None:
            return None
        async with self._database.connection() as connection:
            if shown.last != await leaderboard.last_move(connection, game=game, mode=mode):
                return None
            found = await leaderboard.named(
                connection, [player for player, _ in shown.rows], game=game, mode=mode
            )
        if [(entry.player_id, entry.rating) for entry in found] != shown.rows:
            return None
        return _ladder_out(found)


def _ladder_out(entries: Sequence[leaderboard.Entry]) -> schemas.LadderOut:
    return schemas.LadderOut(
        entries=[
            schemas.LadderEntryOut(
                place=e.place,
                player_id=e.player_id,
                name=e.name,
                rating=e.rating,
                games=e.games,
            )
            for e in entries
        ]
    )


def ladder_subject(game: str, mode: str, size: int) -> cache.Subject:
    """The remembered ladder of one size."""
    return cache.Subject(LADDER_KIND, f"{game}/{mode}/{size}")
