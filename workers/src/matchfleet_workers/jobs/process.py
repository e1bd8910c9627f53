"""The jobs process, put together."""

import asyncio
import datetime

from matchfleet_adapters.postgres import pool
from matchfleet_adapters.redis import connection
from matchfleet_adapters.redis import ladders as views
from matchfleet_telemetry import health
from matchfleet_workers import clock, lifetime, settings
from matchfleet_workers.jobs import running, work


async def run(config: settings.Jobs) -> None:
    """Runs jobs until told to stop."""

    async def doing(database: pool.Database, board: health.Board, stopping: asyncio.Event) -> None:
        client = connection.client(config.redis_url, timeout_s=config.redis_timeout_seconds)
        desk = work.Desk(
            database=database,
            view=views.Ladders(client, budget_s=config.redis_timeout_seconds),
            clock=clock.SystemClock(),
            places=config.snapshot_places,
            keep=datetime.timedelta(days=config.keep_days),
        )
        try:
            await running.run(config, desk, board=board, stopping=stopping)
        finally:
            await client.aclose()

    await lifetime.run("jobs", config, doing)
