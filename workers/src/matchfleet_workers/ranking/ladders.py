"""Keeps the view of the ladders in Redis close to PostgreSQL, and never waits for it.

A rating is done when PostgreSQL has it. Redis is told afterwards. A view that was flushed, or that
has missed a move, is read by nobody until it is replaced: by the next match of that ladder, by the
next start, by a periodic job. Replacing reads a whole ladder, so one worker does it no oftener than
every few seconds.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import pool, ranking
from matchfleet_contracts.ids import PlayerId
from matchfleet_workers import metrics

log = structlog.get_logger(__name__)

REPLACE_EVERY_S = 5.0


class View(Protocol):
    """Where the ladders are shown; every call may raise `errors.Unavailable`."""

    async def change(
        self, game: str, mode: str, *, ratings: Mapping[PlayerId, int], after: int, last: int
    ) -> bool:
        """Show moves of the ledger; False when the view is to be replaced instead."""
        ...

    async def replace(
        self, game: str, mode: str, *, ratings: Mapping[PlayerId, int], last: int
    ) -> None:
        """Show exactly these ratings, which hold every move up to `last`."""
        ...

    async def withdraw(self, game: str, mode: str) -> None:
        """Let nobody read the view until it is replaced."""
        ...


class Display:
    """Shows what matches did; remembers which ladders it could not show."""

    def __init__(
        self, view: View, database: pool.Database, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._view = view
        self._database = database
        self._clock_s = clock_s
        self._behind: set[tuple[str, str]] = set()
        self._replaced_at_s: dict[tuple[str, str], float] = {}

    async def show(
        self, game: str, mode: str, *, ratings: Mapping[PlayerId, int], moves: ranking.Stretch
    ) -> None:
        """Shows new ratings, or the whole ladder if that is due; never raises for Redis."""
        ladder = (game, mode)
        try:
            if ladder not in self._behind:
                if await self._view.change(
                    game, mode, ratings=ratings, after=moves.after, last=moves.last
                ):
                    metrics.LADDER_VIEWS.labels(outcome="changed").inc()
                    return
                self._behind.add(ladder)
            await self._catch_up(game, mode)
        except errors.Unavailable as error:
            self._fall_behind(game, mode, error)

    async def doubt(self, game: str, mode: str) -> None:
        """A match was rated by one who may not have lived to show it; never raises for Redis."""
        try:
            await self._view.withdraw(game, mode)
            self._behind.add((game, mode))
            await self._catch_up(game, mode)
        except errors.Unavailable as error:
            self._fall_behind(game, mode, error)

    async def _catch_up(self, game: str, mode: str) -> None:
        ladder, now_s = (game, mode), self._clock_s()
        if now_s - self._replaced_at_s.get(ladder, -REPLACE_EVERY_S) < REPLACE_EVERY_S:
            metrics.LADDER_VIEWS.labels(outcome="put_off").inc()
            return
        await replace(self._view, self._database, game=game, mode=mode)
        self._replaced_at_s[ladder] = now_s
        self._behind.discard(ladder)

    def _fall_behind(self, game: str, mode: str, error: errors.Unavailable) -> None:
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
    """Replace the view of one ladder, and show what moved while it was read.

    Raises:
        errors.Unavailable: PostgreSQL or Redis does not answer.
    """
    async with database.connection() as connection:
        whole = await ranking.ladder(connection, game=game, mode=mode)
        await view.replace(game, mode, ratings=whole.of, last=whole.last)
        missed = await ranking.ladder_changes(connection, game=game, mode=mode, after=whole.last)
    if missed.of:
        await view.change(game, mode, ratings=missed.of, after=whole.last, last=missed.last)
    metrics.LADDER_VIEWS.labels(outcome="replaced").inc()
    log.info("ladder_view_replaced", game=game, mode=mode, players=len(whole.of))
