"""The ranking process, put together."""

import asyncio

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import pool
from matchfleet_adapters.redis import connection
from matchfleet_adapters.redis import ladders as views
from matchfleet_contracts import topology
from matchfleet_telemetry import health
from matchfleet_workers import clock, consuming, lifetime, settings
from matchfleet_workers.ranking import ladders, recording

log = structlog.get_logger(__name__)


async def run(config: settings.Ranking) -> None:
    """Records the ends of matches until told to stop."""

    async def work(database: pool.Database, board: health.Board, stopping: asyncio.Event) -> None:
        client = connection.client(config.redis_url, timeout_s=config.redis_timeout_seconds)
        view = views.Ladders(client, budget_s=config.redis_timeout_seconds)
        recorder = recording.Recorder(database, view, now=clock.SystemClock())
        try:
            await _show_all(view, database)
            await consuming.consume(
                config, topology.RANKING, recorder.handle, board=board, stopping=stopping
            )
        finally:
            await client.aclose()

    await lifetime.run("ranking", config, work)


async def _show_all(view: ladders.View, database: pool.Database) -> None:
    try:
        count = await ladders.replace_all(view, database)
    except errors.Unavailable as error:
        log.warning("ladder_views_not_replaced", error=str(error))
    else:
        log.info("ladder_views_replaced", ladders=count)
