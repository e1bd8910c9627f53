"""The outbox: events written in the transaction of what happened, and published afterwards.

An event's id is a function of what happened, so the same happening written twice is one event.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts import events

_FILE = "outbox"


@dataclass(frozen=True, slots=True)
class Pending:
    """An event that is not published yet, by its place in the outbox."""

    seq: int
    event: events.Event


async def insert(connection: pool.Connection, new: Sequence[events.Event]) -> None:
    """Write events, in the caller's transaction."""
    if new:
        await connection.execute(queries.query(_FILE, "insert"), [e.id for e in new], list(new))


async def lock_pending(connection: pool.Connection, *, limit: int) -> list[Pending]:
    """The oldest unpublished events, locked against other relays until the transaction ends."""
    rows = await connection.fetch(queries.query(_FILE, "lock_pending"), limit)
    return [Pending(r["seq"], msgspec.convert(r["event"], events.Event)) for r in rows]


async def mark_published(connection: pool.Connection, seqs: Sequence[int]) -> None:
    """Keep that the broker has confirmed these."""
    if seqs:
        await connection.execute(queries.query(_FILE, "mark_published"), list(seqs))


async def purge(connection: pool.Connection, *, before: datetime.datetime) -> None:
    """Forget events that were published before a time."""
    await connection.execute(queries.query(_FILE, "purge"), before)


async def depth(connection: pool.Connection) -> int:
    """How many events wait to be published."""
    found: int = await connection.fetchval(queries.query(_FILE, "depth"))
    return found
