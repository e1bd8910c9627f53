"""Which process writes a queue: whoever holds its PostgreSQL lock, on a connection of its own.

The lock is the connection's: when the process dies, PostgreSQL lets go of it and another takes over
within a second or so. A connection that PostgreSQL no longer answers on ends the holding.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import pool
from matchfleet_api import metrics

log = structlog.get_logger(__name__)
_TRY_PERIOD_S = 1.0
_CHECK_PERIOD_S = 1.0
_CHECK_TIMEOUT_S = 3.0


async def while_owner(dsn: str, queue: str, work: Callable[[], Awaitable[None]]) -> None:
    """Wait for the lock of `queue`, run `work` while it is held, and begin again; never returns."""
    while True:
        try:
            await _hold_once(dsn, queue, work)
        except (
            errors.Unavailable,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            OSError,
        ) as error:
            metrics.TASK_FAILED.labels("ownership").inc()
            log.warning("queue_lock_lost", queue=queue, error=str(error))
        await asyncio.sleep(_TRY_PERIOD_S)


def lock_key(queue: str) -> int:
    """The advisory lock of a queue: 63 bits of its name's hash."""
    return int.from_bytes(hashlib.sha256(f"queue:{queue}".encode()).digest()[:8]) >> 1


async def _hold_once(dsn: str, queue: str, work: Callable[[], Awaitable[None]]) -> None:
    connection = await pool.connect(dsn, pool.PoolSettings(application="matchfleet-queue"))
    try:
        # PostgreSQL tells nobody that a lock is free, and a blocked call could not be checked on.
        while not await connection.fetchval(  # noqa: ASYNC110
            "SELECT pg_try_advisory_lock($1)", lock_key(queue)
        ):
            await asyncio.sleep(_TRY_PERIOD_S)
        log.info("queue_lock_taken", queue=queue)
        metrics.WRITING.labels(queue).set(1)
        await _run_while_answering(connection, work)
    finally:
        metrics.WRITING.labels(queue).set(0)
        # Closing gives the lock back; a connection that does not answer is dropped.
        connection.terminate()


async def _run_while_answering(
    connection: "asyncpg.Connection[asyncpg.Record]", work: Callable[[], Awaitable[None]]
) -> None:
    async def run() -> None:
        await work()

    running = asyncio.create_task(run())
    try:
        while not running.done():
            await asyncio.wait({running}, timeout=_CHECK_PERIOD_S)
            try:
                await connection.fetchval("SELECT 1", timeout=_CHECK_TIMEOUT_S)
            except TimeoutError as error:
                raise errors.Unavailable(store="PostgreSQL", detail="lock connection") from error
        await running
    finally:
        running.cancel()
        await asyncio.wait({running})
