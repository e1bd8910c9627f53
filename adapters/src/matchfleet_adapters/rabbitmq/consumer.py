"""Takes the events of one queue and hands each to its handler until it is dealt with.

How a handler's try ends decides what becomes of the message:

    returns                     acknowledged
    not an event, or `Poison`   a copy to the dead-letter exchange with the reason, confirmed; then
                                acknowledged, so that what follows is not held up
    `Unavailable`, `NotYet`,    tried again after a wait, for as long as it takes. The message stays
    a timeout                   in hand: giving it back would count as a delivery, and twenty of
                                those make it a dead letter
    anything unforeseen         tried again a few times, then treated as poison

A handler sees a message at least once: it keeps an inbox. `lanes` messages are handled at once.
Consumers die in silence, so it is looked at regularly whether the broker counts one, and whether
messages wait there while nothing arrives here; then everything starts over.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection, AbstractExchange, AbstractIncomingMessage, ConsumerTag

from matchfleet_adapters import errors
from matchfleet_adapters.rabbitmq import connections, declaring, metrics
from matchfleet_contracts import clock, events, topology
from matchfleet_contracts.errors import EventInvalid
from matchfleet_telemetry import health

log = structlog.get_logger(__name__)

Handler = Callable[[events.Event], Awaitable[None]]
Arrived = asyncio.Queue[AbstractIncomingMessage | None]
_STARVED_LOOKS: Final = 2
_REASON_CHARS: Final = 500


class Consumer:
    """One process's share of one queue."""

    def __init__(
        self,
        url: str,
        queue: topology.Queue,
        handler: Handler,
        *,
        prefetch: int = 50,
        lanes: int = 1,
        settings: connections.BrokerSettings | None = None,
        board: health.Board | None = None,
    ) -> None:
        self._url = url
        self._queue = queue
        self._handler = handler
        self._prefetch = prefetch
        self._lanes = lanes
        self._settings = settings or connections.BrokerSettings()
        self._board = board
        self._user = f"consumer-{queue.name}"
        self._stopping = asyncio.Event()
        self._is_consuming = False
        self._seen = 0
        self._in_hand = 0

    def stop(self) -> None:
        """Asks `run` to finish what is in hand and return."""
        self._stopping.set()

    async def run(self) -> None:
        """Consumes until `stop`, over as many connections as it takes."""
        if self._board is not None:
            self._board.wrong(self._user, "not connected yet")
        work = connections.hold(
            self._url, self._session, user=self._user, settings=self._settings, board=self._board
        )
        async with connections.in_background(work, name=self._user) as holding:
            stopped = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait({holding, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if self._is_consuming:
                    await asyncio.wait({holding}, timeout=self._settings.handler_timeout_s)
            finally:
                stopped.cancel()

    async def _session(self, connection: AbstractConnection) -> None:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await declaring.declare(channel)
        await channel.set_qos(prefetch_count=self._prefetch)
        dead = await channel.get_exchange(topology.DEAD_EXCHANGE, ensure=False)
        arrived: Arrived = asyncio.Queue()
        self._is_consuming = True
        try:
            async with asyncio.TaskGroup() as group:
                lanes = [
                    group.create_task(connections.unless_it_dies(self._lane(arrived, dead)))
                    for _ in range(self._lanes)
                ]
                watch = group.create_task(
                    connections.unless_it_dies(self._watch(connection, arrived))
                )
                closed = group.create_task(fail_when_closed(channel.closed()))
                tag = await self._consume(channel, arrived)
                connections.established(self._user, self._board)
                await self._stopping.wait()
                await (await channel.get_queue(self._queue.name, ensure=False)).cancel(tag)
                for _ in lanes:
                    arrived.put_nowait(None)
                await asyncio.wait(lanes)
                watch.cancel()
                closed.cancel()
        finally:
            self._is_consuming = False

    async def _consume(
        self, channel: aio_pika.abc.AbstractChannel, arrived: Arrived
    ) -> ConsumerTag:
        async def arrive(message: AbstractIncomingMessage) -> None:
            self._seen += 1
            arrived.put_nowait(message)

        queue = await channel.get_queue(self._queue.name, ensure=False)
        return await queue.consume(arrive)

    async def _lane(self, arrived: Arrived, dead: AbstractExchange) -> None:
        while True:
            message = await arrived.get()
            if message is None or self._stopping.is_set():
                return
            self._in_hand += 1
            try:
                await self._deal_with(message, dead)
            finally:
                self._in_hand -= 1

    async def _deal_with(self, message: AbstractIncomingMessage, dead: AbstractExchange) -> None:
        try:
            event = events.decode(message.body)
            await self._handle(event)
        except _Stopped:
            return  # Not acknowledged, so the broker hands it to the next consumer.
        except (EventInvalid, errors.Poison) as error:
            await self._bury(message, dead, reason=str(error) or type(error).__name__)
            return
        await message.ack()
        metrics.CONSUMED.labels(queue=self._queue.name, outcome="handled").inc()
        _observe_lag(self._queue.name, event)

    async def _handle(self, event: events.Event) -> None:
        """Returns once the handler has; raises `Poison` or `_Stopped`."""
        waits = connections.Backoff(
            first_s=self._settings.retry_first_s, most_s=self._settings.retry_most_s
        )
        unexpected = 0
        while True:
            try:
                with metrics.HANDLING.labels(queue=self._queue.name).time():
                    async with asyncio.timeout(self._settings.handler_timeout_s):
                        await self._handler(event)
            except errors.Poison:
                raise
            except (errors.Unavailable, errors.NotYet, TimeoutError, OSError) as error:
                log.warning("message_waits", event_id=event.id, error=connections.sentence(error))
            except Exception as error:
                unexpected += 1
                metrics.HANDLER_ERRORS.labels(queue=self._queue.name).inc()
                log.exception("message_handler_failed", event_id=event.id, tries=unexpected)
                if unexpected >= self._settings.unexpected_tries:
                    reason = f"the handler failed {unexpected} times: "
                    raise errors.Poison(reason + connections.sentence(error)) from error
            else:
                return
            metrics.RETRIES.labels(queue=self._queue.name).inc()
            await self._pause(waits.next_s())

    async def _pause(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stopping.wait()
        except TimeoutError:
            return
        raise _Stopped

    async def _bury(
        self, message: AbstractIncomingMessage, dead: AbstractExchange, *, reason: str
    ) -> None:
        copy = aio_pika.Message(
            message.body,
            headers={**message.headers, topology.HEADER_REASON: reason[:_REASON_CHARS]},
            content_type=message.content_type,
            type=message.type,
            timestamp=time.time(),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        async with asyncio.timeout(self._settings.publish_timeout_s):
            await dead.publish(copy, routing_key=self._queue.name, mandatory=True)
        await message.ack()
        metrics.CONSUMED.labels(queue=self._queue.name, outcome="dead").inc()
        log.error("message_buried", queue=self._queue.name, reason=reason, type=message.type)

    async def _watch(self, connection: AbstractConnection, arrived: Arrived) -> None:
        channel = await connection.channel()
        starved = 0
        while True:
            seen = self._seen
            await asyncio.sleep(self._settings.watch_period_s)
            async with asyncio.timeout(self._settings.connect_timeout_s):
                queue = await channel.declare_queue(self._queue.name, passive=True)
            waiting = queue.declaration_result.message_count or 0
            metrics.DEPTH.labels(queue=self._queue.name).set(waiting)
            if not queue.declaration_result.consumer_count:
                raise errors.Unavailable(store=connections.STORE, detail="it lost our consumer")
            is_idle = self._seen == seen and not self._in_hand and arrived.empty()
            starved = starved + 1 if waiting and is_idle else 0
            if starved >= _STARVED_LOOKS:
                raise errors.Unavailable(
                    store=connections.STORE, detail=f"{waiting} messages wait and none arrives"
                )


class _Stopped(Exception):
    """The consumer was asked to stop while a message waited to be tried again."""


async def fail_when_closed(closed: Awaitable[object]) -> None:
    """Raises `Unavailable` once a channel is closed: the end of whatever used it."""
    await connections.unless_it_dies(closed)
    raise errors.Unavailable(store=connections.STORE, detail="the channel was closed")


def _observe_lag(queue: str, event: events.Event) -> None:
    try:
        happened = clock.parse_rfc3339(event.time).timestamp()
    except ValueError:
        return
    metrics.LAG.labels(queue=queue).observe(max(0.0, time.time() - happened))
