"""What each job does. All of them may run twice.

match_summary     enqueued by ranking with a match's end: one line about it, for its players
ladder_snapshot   daily: the first places of each ladder
ladder_repair     every few minutes: the view in Redis is made again from PostgreSQL
purge             daily: old rows of the inbox and of pgqueuer's log go
"""

import datetime
from dataclasses import dataclass

from matchfleet_adapters.postgres import inbox, jobs, pool
from matchfleet_contracts import clock
from matchfleet_contracts.ids import MatchId
from matchfleet_workers.ranking import ladders


@dataclass(frozen=True, slots=True)
class Desk:
    """What the jobs work with."""

    database: pool.Database
    view: ladders.View
    clock: clock.Clock
    places: int
    keep: datetime.timedelta


async def summarize_match(desk: Desk, payload: bytes | None) -> None:
    """Writes the summary of the match whose id is the payload.

    Raises:
        LookupError: there is no such match, or it is not over: a mistake of whoever asked.
    """
    match = MatchId((payload or b"").decode())
    async with desk.database.connection() as connection:
        if not await jobs.summarize(connection, match):
            raise LookupError(f"match {match!r} has not ended")


async def snapshot_ladders(desk: Desk) -> None:
    """Keeps today's first places, in UTC."""
    today = desk.clock.now().astimezone(datetime.UTC).date()
    async with desk.database.connection() as connection:
        await jobs.snapshot_ladders(connection, day=today, places=desk.places)


async def repair_ladders(desk: Desk) -> None:
    """Makes every ladder's view again from PostgreSQL."""
    await ladders.replace_all(desk.view, desk.database)


async def purge(desk: Desk) -> None:
    """Forgets what nobody asks for any more."""
    async with desk.database.connection() as connection:
        await inbox.purge(connection, older_than=desk.keep)
        await jobs.purge_log(connection, older_than=desk.keep)
