"""A publisher in memory, for tests of those who publish."""

from matchfleet_adapters import errors
from matchfleet_contracts import events


class MemoryPublisher:
    """Keeps what was published; may be told to fail.

    Attributes:
        published: the confirmed events in order.
        failures: how many of the next publishes fail.
    """

    def __init__(self) -> None:
        self.published: list[events.Event] = []
        self.failures = 0

    async def publish(self, event: events.Event) -> None:
        """Keeps `event`, as the catalogue's own codec would hand it on.

        Raises:
            errors.PublishFailed: while `failures` is above 0.
        """
        if self.failures > 0:
            self.failures -= 1
            raise errors.PublishFailed(event_id=event.id, detail="told to fail")
        self.published.append(events.decode(events.encode(event)))
