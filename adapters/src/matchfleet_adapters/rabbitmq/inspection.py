"""Looks at queues without taking anything: for audits and for people with a question."""

from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection

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
