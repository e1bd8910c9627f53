"""Sends events, and returns only when the broker has them.

Every publish is awaited to its confirm and bounded in time; many may be in flight at once. All but
passing events are mandatory: what is bound for no queue is refused. A failed publish may have
arrived all the same: publish it again, consumers know events by id.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange

from matchfleet_adapters import errors
from matchfleet_adapters.rabbitmq import connections, declaring, metrics
from matchfleet_contracts import events, topology
from matchfleet_telemetry import health


class Publisher:
    """Publishes on a connection that it keeps up by itself; made by `connected`."""

    def __init__(self, settings: connections.BrokerSettings) -> None:
        self._settings = settings
        self._exchange: AbstractExchange | None = None
        self._is_open = asyncio.Event()

    @classmethod
    @contextlib.asynccontextmanager
    async def connected(
        cls,
        url: str,
        *,
        name: str = "publisher",
        settings: connections.BrokerSettings | None = None,
        board: health.Board | None = None,
    ) -> AsyncIterator["Publisher"]:
        """A publisher that connects in the background while the block runs.

        Entering does not wait for the broker: a process may start while it is away. `publish` waits
        for the connection, within its bound; `board` shows `name` while there is none.
        """
        publisher = cls(settings or connections.BrokerSettings())
        if board is not None:
            board.wrong(name, "not connected yet")

        async def session(connection: AbstractConnection) -> None:
            await publisher._serve(connection, name=name, board=board)

        work = connections.hold(url, session, user=name, settings=publisher._settings, board=board)
        async with connections.in_background(work, name=f"{name}-connection"):
            yield publisher

    @property
    def is_connected(self) -> bool:
        """Whether a publish would be sent at once."""
        return self._is_open.is_set()

    async def publish(self, event: events.Event) -> None:
        """Returns once the broker has confirmed that every bound queue holds `event`.

        Raises:
            errors.PublishFailed: not confirmed in time, refused, or bound for no queue while it is
                not a passing event.
        """
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._settings.publish_timeout_s):
                await connections.unless_it_dies(self._send(event))
        except (
            errors.Unavailable,
            aio_pika.exceptions.AMQPError,
            OSError,
            TimeoutError,
            RuntimeError,  # how aiormq says that a channel is closed
        ) as error:
            metrics.PUBLISHED.labels(type=event.type, outcome="failed").inc()
            detail = connections.sentence(error)
            raise errors.PublishFailed(event_id=event.id, detail=detail) from error
        metrics.PUBLISHED.labels(type=event.type, outcome="confirmed").inc()
        metrics.PUBLISH_TIME.observe(time.perf_counter() - began)

    async def _send(self, event: events.Event) -> None:
        await self._is_open.wait()
        exchange = self._exchange
        if exchange is None:
            raise errors.Unavailable(store=connections.STORE, detail="the connection was lost")
        await exchange.publish(
            message(event), routing_key=event.type, mandatory=event.type not in events.PASSING
        )

    async def _serve(
        self, connection: AbstractConnection, *, name: str, board: health.Board | None
    ) -> None:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await declaring.declare(channel)
        self._exchange = await channel.get_exchange(topology.EVENTS_EXCHANGE, ensure=False)
        self._is_open.set()
        connections.established(name, board)
        try:
            await channel.closed()
            raise errors.Unavailable(store=connections.STORE, detail="the channel was closed")
        finally:
            self._is_open.clear()
            self._exchange = None


def message(event: events.Event) -> aio_pika.Message:
    """The AMQP message of an event.

    It has no message id of ours: aiormq finds a returned message by that id, and the same event may
    be in flight twice.
    """
    is_passing = event.type in events.PASSING
    mode = aio_pika.DeliveryMode.NOT_PERSISTENT if is_passing else aio_pika.DeliveryMode.PERSISTENT
    return aio_pika.Message(
        events.encode(event),
        content_type=events.CONTENT_TYPE,
        delivery_mode=mode,
        type=event.type,
    )
