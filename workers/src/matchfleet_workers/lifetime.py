"""A worker's life: it waits for what it needs, works, and stops when told to.

SIGTERM and SIGINT set an event. Work that knows how to end by itself watches the event; waiting for
a database does not have to, and is given up.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import structlog

from matchfleet_adapters.postgres import migrator, pool
from matchfleet_telemetry import health, serving
from matchfleet_workers import settings

log = structlog.get_logger(__name__)
T = TypeVar("T")
Work = Callable[[pool.Database, health.Board, asyncio.Event], Awaitable[None]]


async def run(process: str, config: settings.Settings, work: Work) -> None:
    """Runs `work` with a database at the right schema until it returns or a signal asks for it.

    Raises:
        matchfleet_adapters.errors.Unavailable: PostgreSQL did not answer in `wait_seconds`.
        matchfleet_adapters.errors.SchemaNotReady: nor was its schema brought up to date.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    board = health.Board("postgres")
    async with serving.running(
        config.metrics_host, config.metrics_port, process=process, ready=board.report
    ):
        log.info("worker_starting")
        database = await unless(stopping, _ready_database(process, config))
        if database is None:
            return
        board.well("postgres")
        try:
            await work(database, board, stopping)
        finally:
            await database.close()
        log.info("worker_stopped")


async def unless(stopping: asyncio.Event, awaitable: Awaitable[T]) -> T | None:
    """What `awaitable` returns, or None when it was given up because of `stopping`."""
    doing = asyncio.ensure_future(awaitable)
    async with _waiting_for(stopping) as told:
        await asyncio.wait({doing, told}, return_when=asyncio.FIRST_COMPLETED)
    if not doing.done():
        doing.cancel()
        await asyncio.wait({doing})
        return None
    return doing.result()


async def until(stopping: asyncio.Event, *, timeout_s: float) -> bool:
    """Waits for `stopping`, at most `timeout_s`; whether it was set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await stopping.wait()
    return stopping.is_set()


@contextlib.asynccontextmanager
async def _waiting_for(stopping: asyncio.Event) -> AsyncIterator["asyncio.Task[bool]"]:
    task = asyncio.ensure_future(stopping.wait())
    try:
        yield task
    finally:
        task.cancel()


async def _ready_database(process: str, config: settings.Settings) -> pool.Database:
    database = await pool.wait_for_database(
        config.postgres_dsn,
        config.pool(f"matchfleet-{process}"),
        timeout_s=config.wait_seconds,
    )
    await migrator.wait_for_schema(database, timeout_s=config.wait_seconds)
    return database
