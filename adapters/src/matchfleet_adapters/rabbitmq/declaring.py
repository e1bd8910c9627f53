"""Makes the exchanges and queues of `contracts.topology` exist, alike from whoever comes first.

Quorum queues with a delivery limit, because since RabbitMQ 4.0 a message is dropped after 20
deliveries unless a dead-letter target is set. Dead-lettering is at-least-once, which the broker
only does for queues that refuse publishes when full (`reject-publish`) rather than drop the oldest.
"""

from typing import Any, Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

from matchfleet_contracts import topology

_QUORUM: Final = {"x-queue-type": "quorum"}
# Looking at a dead message counts as a delivery, and RabbitMQ 4 drops at 20 where none is set.
_DEAD_DELIVERY_LIMIT: Final = 1_000_000


async def declare(channel: AbstractChannel) -> None:
    """Declares every exchange, queue and binding; harmless when they exist.

    Raises:
        aio_pika.exceptions.ChannelPreconditionFailed: one exists with other arguments.
    """
    events = await channel.declare_exchange(
        topology.EVENTS_EXCHANGE, ExchangeType.TOPIC, durable=True
    )
    dead = await channel.declare_exchange(topology.DEAD_EXCHANGE, ExchangeType.DIRECT, durable=True)
    for queue in topology.QUEUES:
        kept = await channel.declare_queue(
            queue.dead,
            durable=True,
            arguments={**_QUORUM, "x-delivery-limit": _DEAD_DELIVERY_LIMIT},
        )
        await kept.bind(dead, routing_key=queue.name)
        mine = await channel.declare_queue(
            queue.name, durable=True, arguments=queue_arguments(queue)
        )
        for pattern in queue.binds:
            await mine.bind(events, routing_key=pattern)


def queue_arguments(queue: topology.Queue) -> dict[str, Any]:
    """The arguments of a consumer's queue."""
    return {
        **_QUORUM,
        "x-delivery-limit": topology.DELIVERY_LIMIT,
        "x-dead-letter-exchange": topology.DEAD_EXCHANGE,
        "x-dead-letter-routing-key": queue.name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
