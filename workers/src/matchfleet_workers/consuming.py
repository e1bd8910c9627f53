"""A worker that lives from one queue."""

import asyncio

from matchfleet_adapters import rabbitmq
from matchfleet_adapters.rabbitmq import consumer
from matchfleet_contracts import topology
from matchfleet_telemetry import health
from matchfleet_workers import settings


async def consume(
    config: settings.Consuming,
    queue: topology.Queue,
    handler: consumer.Handler,
    *,
    board: health.Board,
    stopping: asyncio.Event,
) -> None:
    """Hands the queue's events to `handler` until `stopping`, then finishes what is in hand."""
    consuming = rabbitmq.Consumer(
        config.rabbitmq_url,
        queue,
        handler,
        prefetch=config.prefetch,
        lanes=config.lanes,
        settings=rabbitmq.BrokerSettings(handler_timeout_s=config.stop_seconds),
        board=board,
    )
    running = asyncio.create_task(consuming.run())
    told = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
        consuming.stop()
        await running
    finally:
        told.cancel()
