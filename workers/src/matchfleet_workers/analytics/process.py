"""The analytics process, put together."""

import asyncio

from matchfleet_adapters.postgres import pool
from matchfleet_contracts import topology
from matchfleet_telemetry import health
from matchfleet_workers import consuming, lifetime, settings
from matchfleet_workers.analytics import keeping


async def run(config: settings.Analytics) -> None:
    """Counts events until told to stop."""

    async def work(database: pool.Database, board: health.Board, stopping: asyncio.Event) -> None:
        keeper = keeping.Keeper(database)
        await consuming.consume(
            config, topology.ANALYTICS, keeper.handle, board=board, stopping=stopping
        )

    await lifetime.run("analytics", config, work)
