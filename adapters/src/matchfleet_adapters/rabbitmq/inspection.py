"""Looks at queues for audits and for people with a question, and gives dead messages a new try.

Looking takes nothing away.
"""

from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from matchfleet_adapters.rabbitmq import connections
from matchfleet_contracts import topology


@dataclass(frozen=True, slots=True)
class Depth:
    """How much waits in one consumer's queue, and how much was set aside."""

    queue: str
    messages: int
    consumers: int
    dead: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that could not be handled.

    Attributes:
        reason: why; empty when the broker itself gave up on it (too many deliveries).
        died: seconds since the epoch, or None where the broker put it there.
    """

    queue: str
    reason: str
    type: str
    body: bytes
    died: float | None


async def depths(
    url: str, *, settings: connections.BrokerSettings | None = None
) -> tuple[Depth, ...]:
    """The depth of every queue of the topology; one that does not exist yet counts as empty.

    Raises:
        errors.Unavailable: the broker does not answer.
    """
    async with connections.opened(url, name="inspection", settings=settings) as connection:
        found = []
        for queue in topology.QUEUES:
            messages, consumers = await _count(connection, queue.name)
            dead, _ = await _count(connection, queue.dead)
            found.append(Depth(queue.name, messages=messages, consumers=consumers, dead=dead))
        return tuple(found)


async def dead_letters(
    url: str,
    queue: topology.Queue,
    *,
    limit: int = 50,
    settings: connections.BrokerSettings | None = None,
) -> tuple[DeadLetter, ...]:
    """The first `limit` dead messages of a queue, oldest first; they stay where they are.

    Raises:
        errors.Unavailable: the broker does not answer.
    """
    async with connections.opened(url, name="inspection", settings=settings) as connection:
        if await _count(connection, queue.dead) == (0, 0):
            return ()
        # What is read and not acknowledged goes back to its place when the channel closes.
        async with connection.channel() as channel:
            return await _peek(channel, queue, limit=limit)


async def replay(
    url: str,
    queue: topology.Queue,
    *,
    limit: int = 1_000,
    settings: connections.BrokerSettings | None = None,
) -> int:
    """Puts up to `limit` dead messages back into their queue, oldest first; returns how many.

    For when the reason is gone: a bug was fixed, a row was repaired. A message is taken from the
    dead only once the broker has confirmed it in the queue, so it may be there twice, never not.

    Raises:
        errors.Unavailable: the broker does not answer.
    """
    async with connections.opened(url, name="replay", settings=settings) as connection:
        count, _ = await _count(connection, queue.dead)
        if not count:
            return 0
        async with connection.channel(publisher_confirms=True, on_return_raises=True) as channel:
            source = await channel.get_queue(queue.dead, ensure=False)
            replayed = 0
            # Not more than there were: what fails again at once comes back to the end of the dead.
            for _ in range(min(limit, count)):
                message = await source.get(no_ack=False, fail=False)
                if message is None:
                    break
                await channel.default_exchange.publish(_alive(message), routing_key=queue.name)
                await message.ack()
                replayed += 1
            return replayed


def _alive(message: AbstractIncomingMessage) -> aio_pika.Message:
    """The message as it was before it died."""
    return aio_pika.Message(
        message.body,
        content_type=message.content_type,
        type=message.type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def _count(connection: AbstractConnection, queue: str) -> tuple[int, int]:
    """Messages and consumers of a queue; (0, 0) when there is no such queue."""
    try:
        async with connection.channel() as channel:
            found = (await channel.declare_queue(queue, passive=True)).declaration_result
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return 0, 0
    return found.message_count or 0, found.consumer_count or 0


async def _peek(
    channel: AbstractChannel, queue: topology.Queue, *, limit: int
) -> tuple[DeadLetter, ...]:
    source = await channel.get_queue(queue.dead, ensure=False)
    found: list[DeadLetter] = []
    while len(found) < limit:
        message = await source.get(no_ack=False, fail=False)
        if message is None:
            break
        found.append(
            DeadLetter(
                queue=queue.name,
                reason=str(message.headers.get(topology.HEADER_REASON, "")),
                type=message.type or "",
                body=message.body,
                died=message.timestamp.timestamp() if message.timestamp else None,
            )
        )
    return tuple(found)
