"""The port through which the operator tells everybody how a match goes, and its fuse.

A publisher waits a while for a broker that is away. Many ended matches waiting like that would take
all workers, and claims would stand behind them; so while the broker is away, one publication tries
and the others fail at once.
"""

import time
from collections.abc import Callable
from typing import Protocol

from matchfleet_adapters import errors as adapter_errors
from matchfleet_contracts.events import Event

REST_S = 1.0


class EventPublisher(Protocol):
    """Publishes events; `matchfleet_adapters.rabbitmq.Publisher` is one."""

    async def publish(self, event: Event) -> None:
        """Returns once the broker has confirmed the event.

        Raises:
            matchfleet_adapters.errors.AdapterError: it was not confirmed; it may be published all
                the same, so publish it again.
        """
        ...


class Fuse:
    """A publisher that fails fast while the one behind it fails."""

    def __init__(
        self, publisher: EventPublisher, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._publisher = publisher
        self._monotonic = monotonic
        self._rests_until: float | None = None
        self._is_trying = False

    async def publish(self, event: Event) -> None:
        """Publishes, unless the last try failed a moment ago or another one is under way."""
        if self._rests_until is None:
            await self._try(event)
            return
        if self._is_trying or self._monotonic() < self._rests_until:
            raise adapter_errors.PublishFailed(
                event_id=event.id, detail="the broker did not confirm the event before"
            )
        self._is_trying = True
        try:
            await self._try(event)
        finally:
            self._is_trying = False

    async def _try(self, event: Event) -> None:
        try:
            await self._publisher.publish(event)
        except adapter_errors.AdapterError:
            self._rests_until = self._monotonic() + REST_S
            raise
        self._rests_until = None
