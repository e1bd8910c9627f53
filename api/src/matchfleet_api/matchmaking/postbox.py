"""From the outbox to the broker: published with many confirms in flight, then marked.

The rows are locked meanwhile, so two relays share the work. An event whose mark was lost is
published again; consumers know events by id.
"""

import asyncio
import datetime
from typing import Protocol

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import outbox, pool
from matchfleet_api import metrics
from matchfleet_contracts import events

log = structlog.get_logger(__name__)


class Publisher(Protocol):
    """Where events go."""

    async def publish(self, event: events.Event) -> None:
        """Return once the broker has confirmed `event`.

        Raises:
            errors.PublishFailed: it did not.
        """
        ...


async def publish_pending(
    database: pool.Database, publisher: Publisher, *, batch: int = 200
) -> bool:
    """Publish the oldest events of the outbox; whether there may be more.

    Raises:
        errors.PublishFailed: the broker did not confirm some; those that it did are marked.
        errors.Unavailable: PostgreSQL does not answer.
    """

    async def work(connection: pool.Connection) -> tuple[int, list[errors.PublishFailed]]:
        pending = await outbox.lock_pending(connection, limit=batch)
        outcomes = await asyncio.gather(*(_publish(publisher, p.event) for p in pending))
        confirmed = [p.seq for p, failed in zip(pending, outcomes, strict=True) if failed is None]
        await outbox.mark_published(connection, confirmed)
        return len(pending), [failed for failed in outcomes if failed is not None]

    count, failures = await database.transaction(work)
    metrics.POSTED.labels("confirmed").inc(count - len(failures))
    if failures:
        metrics.POSTED.labels("failed").inc(len(failures))
        raise failures[0]
    return count == batch


async def measure(database: pool.Database) -> None:
    """Tell how many events wait: a number that grows is the first sign of a broker in trouble."""
    async with database.connection() as connection:
        metrics.UNPUBLISHED.set(await outbox.depth(connection))


async def purge(
    database: pool.Database, *, now: datetime.datetime, keep: datetime.timedelta
) -> None:
    """Forget events that were published long ago."""
    async with database.connection() as connection:
        await outbox.purge(connection, before=now - keep)


async def _publish(publisher: Publisher, event: events.Event) -> errors.PublishFailed | None:
    try:
        await publisher.publish(event)
    except errors.PublishFailed as error:
        return error
    return None
