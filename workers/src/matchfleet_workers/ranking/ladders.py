"""Keeps the view of the ladders in Redis close to PostgreSQL, and never waits for it.

A rating is done when PostgreSQL has it. Redis is told afterwards; if it is away, or was flushed,
the view is replaced later: by the next match of that ladder, by the next start, by a periodic job.
Two workers may tell Redis about one player in the wrong order; the periodic job sets that right.
"""

from collections.abc import Mapping
from typing import Protocol

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import pool, ranking
from matchfleet_contracts.ids import PlayerId
from matchfleet_workers import metrics

log = structlog.get_logger(__name__)


class View(Protocol):
    """Where the ladders are shown; every call may raise `errors.Unavailable`."""

    async def change(self, game: str, mode: str, *, ratings: Mapping[PlayerId, int]) -> bool:
        """Set these ratings; False when the ladder is not shown at all."""
        ...

    async def replace(self, game: str, mode: str, *, ratings: Mapping[PlayerId, int]) -> None:
        """Show exactly these ratings."""
        ...


class Display:
    """Shows what matches did; remembers which ladders it could not show."""

    def __init__(self, view: View, database: pool.Database) -> None:
        self._view = view
        self._database = database
        self._behind: set[tuple[str, str]] = set()

    async def show(self, game: str, mode: str, *, ratings: Mapping[PlayerId, int]) -> None:
        """Shows new ratings, or the whole ladder if that is due; never raises for Redis.

        A Redis that was away may come back with what it showed before: then the whole is due.
        """
        try:
            is_whole = (game, mode) not in self._behind
            if is_whole and await self._view.change(game, mode, ratings=ratings):
                metrics.LADDER_VIEWS.labels(outcome="changed").inc()
                return
            await replace(self._view, self._database, game=game, mode=mode)
            self._behind.discard((game, mode))
        except errors.Unavailable as error:
            self._behind.add((game, mode))
            metrics.LADDER_VIEWS.labels(outcome="failed").inc()
            log.warning("ladder_view_behind", game=game, mode=mode, error=str(error))


async def replace_all(view: View, database: pool.Database) -> int:
    """Replace the view of every ladder; returns how many there are.

    Raises:
        errors.Unavailable: PostgreSQL or Redis does not answer.
    """
    async with database.connection() as connection:
        known = await ranking.ladders(connection)
    for game, mode in known:
        await replace(view, database, game=game, mode=mode)
    return len(known)


async def replace(view: View, database: pool.Database, *, game: str, mode: str) -> None:
    """Replace the view of one ladder.

    What is rated meanwhile changes the old view, which is then thrown away; so whatever changed
    since the ladder was read is shown once more.

    Raises:
        errors.Unavailable: PostgreSQL or Redis does not answer.
    """
    async with database.connection() as connection:
        since = await ranking.database_now(connection)
        ratings = await ranking.ladder(connection, game=game, mode=mode)
        await view.replace(game, mode, ratings=ratings)
        missed = await ranking.ladder_changes(connection, game=game, mode=mode, since=since)
    if missed:
        await view.change(game, mode, ratings=missed)
    metrics.LADDER_VIEWS.labels(outcome="replaced").inc()
    log.info("ladder_view_replaced", game=game, mode=mode, players=len(ratings))
