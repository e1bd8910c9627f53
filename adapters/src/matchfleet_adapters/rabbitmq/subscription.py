"""A passing view of events: a queue that exists while its one reader does.

For fan-out to the players that are connected to this process, and for caches that are invalidated
by events. What happens while the connection is down is missed, so the reader is told each time it
is (re)established and forgets what it believes to know.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from matchfleet_adapters import errors
from matchfleet_adapters.rabbitmq import connections, consumer, declaring, metrics
from matchfleet_contracts import events, topology
from matchfleet_contracts.errors import EventInvalid
from matchfleet_telemetry import health

log = structlog.get_logger(__name__)


async def subscribe_exclusive(
    url: str,
    patterns: Sequence[str],
    handler: consumer.Handler,
    *,
    on_established: Callable[[], Awaitable[None]] | None = None,
    name: str = "subscription",
    settings: connections.BrokerSettings | None = None,
    board: health.Board | None = None,
) -> None:
    """Hands every event whose type matches one of `patterns` to `handler`, until it is cancelled.

    Args:
        patterns: topic patterns, such as `ticket.#` or `match.ready`.
        handler: called for one event at a time, in order; what it raises is logged and counted.
        on_established: awaited each time events begin to flow, before the first of them.
    """
    settings = settings or connections.BrokerSettings()
    if board is not None:
        board.wrong(name, "not connected yet")

    async def session(connection: AbstractConnection) -> None:
        arrived: asyncio.Queue[bytes] = asyncio.Queue()

        async def arrive(message: AbstractIncomingMessage) -> None:
            arrived.put_nowait(message.body)

        channel = await connection.channel()
        await declaring.declare(channel)
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
        for pattern in patterns:
            await queue.bind(topology.EVENTS_EXCHANGE, routing_key=pattern)
        await queue.consume(arrive, no_ack=True)
        if on_established is not None:
            await on_established()
        connections.established(name, board)
        async with asyncio.TaskGroup() as group:
            group.create_task(_deliver(arrived, handler, name=name))
            group.create_task(consumer.fail_when_closed(channel.closed()))
            group.create_task(_watch(connection, queue.name, settings))

    await connections.hold(url, session, user=name, settings=settings, board=board)


async def _deliver(
    arrived: "asyncio.Queue[bytes]", handler: consumer.Handler, *, name: str
) -> None:
    while True:
        body = await arrived.get()
        try:
            await handler(events.decode(body))
        except EventInvalid as error:
            log.warning("event_ignored", subscription=name, reason=str(error))
            metrics.CONSUMED.labels(queue=name, outcome="dead").inc()
        except Exception:
            log.exception("event_handler_failed", subscription=name)
            metrics.CONSUMED.labels(queue=name, outcome="dead").inc()
        else:
            metrics.CONSUMED.labels(queue=name, outcome="handled").inc()


async def _watch(
    connection: AbstractConnection, queue: str, settings: connections.BrokerSettings
) -> None:
    """Raises when the broker no longer counts our consumer: an exclusive queue has no other."""
    channel = await connections.unless_it_dies(connection.channel())
    while True:
        await asyncio.sleep(settings.watch_period_s)
        async with asyncio.timeout(settings.connect_timeout_s):
            found = await connections.unless_it_dies(channel.declare_queue(queue, passive=True))
        if not found.declaration_result.consumer_count:
            raise errors.Unavailable(store=connections.STORE, detail="it lost our consumer")
