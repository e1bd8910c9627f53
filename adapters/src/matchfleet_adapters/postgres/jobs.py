"""Background jobs in PostgreSQL: how one is enqueued, and the statements that ours run.

pgqueuer runs them; its tables are part of our migrations. A job is enqueued in the transaction of
what it follows from, so it exists exactly if that does.
"""

import datetime
from dataclasses import dataclass
from typing import Final

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts.ids import MatchId

_FILE = "jobs"
MATCH_SUMMARY: Final = "match_summary"
"""The job that writes a match's summary; its payload is the match's id in UTF-8."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many jobs of a kind stand in one state; `failed` ones are held for a person."""

    entrypoint: str
    status: str
    jobs: int


async def enqueue_match_summary(connection: pool.Connection, match_id: MatchId) -> None:
    """Ask for a match's summary, once however often it is asked for."""
    await connection.execute(
        queries.query(_FILE, "enqueue"),
        MATCH_SUMMARY,
        match_id.encode(),
        f"{MATCH_SUMMARY}/{match_id}",
    )


async def summarize(connection: pool.Connection, match_id: MatchId) -> bool:
    """Write the summary of an ended match; False when there is no such match."""
    found = await connection.fetchval(queries.query(_FILE, "summarize"), match_id)
    return found is not None


async def snapshot_ladders(connection: pool.Connection, *, day: datetime.date, places: int) -> None:
    """Keep the first places of every ladder for a day; again on the same day replaces them."""
    await connection.execute(queries.query(_FILE, "snapshot_ladders"), day, places)


async def backlog(connection: pool.Connection) -> list[Backlog]:
    """What waits, runs, and was held."""
    rows = await connection.fetch(queries.query(_FILE, "backlog"))
    return [Backlog(**row) for row in rows]


async def purge_log(connection: pool.Connection, *, older_than: datetime.timedelta) -> None:
    """Forget what pgqueuer noted about jobs long done."""
    await connection.execute(queries.query(_FILE, "purge_log"), older_than)
