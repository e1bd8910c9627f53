"""The port through which the operator tells everybody how a match goes."""

from typing import Protocol

from matchfleet_contracts.events import Event


class EventPublisher(Protocol):
    """Publishes events; `matchfleet_adapters.rabbitmq.Publisher` is one."""

    async def publish(self, event: Event) -> None:
        """Returns once the broker has confirmed the event.

        Raises:
            matchfleet_adapters.errors.AdapterError: it was not confirmed; it may be published all
                the same, so publish it again.
        """
        ...
