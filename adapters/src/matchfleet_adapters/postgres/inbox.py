"""The inbox: which events a consumer has acted on, so that twice is once.

It is written in the transaction of the effect: either both are there or neither.
"""

import datetime

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts.ids import EventId

_FILE = "inbox"


async def remember(connection: pool.Connection, consumer: str, *, event_id: EventId) -> bool:
    """Keep that `consumer` acts on an event now; False when it did so before.

    A second transaction with the same event waits here until the first is over.
    """
    found = await connection.fetchval(queries.query(_FILE, "remember"), consumer, event_id)
    return found is not None


async def purge(connection: pool.Connection, *, older_than: datetime.timedelta) -> None:
    """Forget events so old that nobody publishes them again."""
    await connection.execute(queries.query(_FILE, "purge"), older_than)
