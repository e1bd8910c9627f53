"""RabbitMQ: events go out confirmed, come in at least once, and are never dropped unseen.

aio-pika's self-healing connections have lost consumers without a word, and let a publish wait for
ever. So plain connections are used, under a supervision of our own (`connections`): a connection
that ends, stalls or loses its consumer is thrown away whole, and its user starts over.

    declaring      the exchanges and queues of `contracts.topology`
    publisher      one event out, confirmed within a bound
    consumer       events in, one queue, handled once each by the user's inbox
    subscription   a passing view of events, for fan-out; what is missed is missed
    inspection     depths and dead letters, for audits; dead letters get a new try
    memory         a publisher in memory, for tests of those who publish
"""

from matchfleet_adapters.errors import NotYet, Poison, PublishFailed
from matchfleet_adapters.rabbitmq.connections import BrokerSettings, connect
from matchfleet_adapters.rabbitmq.consumer import Consumer
from matchfleet_adapters.rabbitmq.declaring import declare
from matchfleet_adapters.rabbitmq.inspection import (
    DeadLetter,
    Depth,
    dead_letters,
    depths,
    replay,
)
from matchfleet_adapters.rabbitmq.memory import MemoryPublisher
from matchfleet_adapters.rabbitmq.publisher import Publisher
from matchfleet_adapters.rabbitmq.subscription import subscribe_exclusive

__all__ = [
    "BrokerSettings",
    "Consumer",
    "DeadLetter",
    "Depth",
    "MemoryPublisher",
    "NotYet",
    "Poison",
    "PublishFailed",
    "Publisher",
    "connect",
    "dead_letters",
    "declare",
    "depths",
    "replay",
    "subscribe_exclusive",
]
