"""Exchanges and queues of RabbitMQ: declared by every process before its first publish.

One topic exchange carries every event under its type. Each consumer owns one quorum queue, and one
dead-letter queue where a message that cannot be handled is kept with its reason. RabbitMQ 4 drops a
message after 20 deliveries unless a dead-letter target is set, so every queue has one. Passing
events (`events.PASSING`) go to whoever listens at that moment, and into no queue.
"""

from dataclasses import dataclass

EVENTS_EXCHANGE = "matchfleet.events"
DEAD_EXCHANGE = "matchfleet.dead"
HEADER_REASON = "matchfleet-reason"
"""Header of a dead message: why it could not be handled."""
DELIVERY_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Queue:
    """A consumer's quorum queue and the event types (topic patterns) it is bound to."""

    name: str
    binds: tuple[str, ...]

    @property
    def dead(self) -> str:
        """The queue of its messages that could not be handled."""
        return f"{self.name}.dead"


RANKING = Queue("ranking", ("match.ended",))
ANALYTICS = Queue("analytics", ("ticket.#", "match.#", "player.#", "rating.#"))
QUEUES = (RANKING, ANALYTICS)
