"""Hears from the broker how many players wait, and lets the Fleets concerned be planned anew.

What is heard is kept with its time, for `demand` to judge. Nothing here waits for the broker: while
it is away, what was heard last grows old by itself.
"""

from collections.abc import Callable

from matchfleet_adapters import rabbitmq
from matchfleet_contracts import clock, events
from matchfleet_contracts.ids import FleetName
from matchfleet_operator import metrics
from matchfleet_operator.keys import FleetKey, Key
from matchfleet_operator.planning.demand import Report
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.watching.memory import Memory


class DepthWatch:
    """The queues' depths, as this process hears of them."""

    def __init__(
        self, memory: Memory, changed: Callable[[Key], None], now: clock.Clock, *, stale_s: float
    ) -> None:
        self._memory = memory
        self._changed = changed
        self._clock = now
        self._stale = seconds(stale_s)

    async def listen(self, url: str) -> None:
        """Hears until cancelled, over as many connections as it takes."""
        await rabbitmq.subscribe_exclusive(
            url, ["queue.depth"], self.hear, name="operator-queue-depth"
        )

    async def hear(self, event: events.Event) -> None:
        """Takes in what one event says."""
        if not isinstance(event.data, events.QueueDepth):
            return
        said = event.data
        self._forget_the_old()
        queue = f"{said.game}/{said.mode}"
        before = self._memory.depths.get(queue)
        self._memory.depths[queue] = Report(said=said, heard_at=self._clock.now())
        for region, told in said.regions.items():
            metrics.QUEUE_PLAYERS.labels(queue=queue, region=region).set(told.players)
        if before is not None and before.said == said:
            return
        for fleet in {name for told in said.regions.values() for name in told.fleets}:
            self._changed(FleetKey(FleetName(fleet)))

    def _forget_the_old(self) -> None:
        """A queue that nobody speaks of while others are spoken of may be no more."""
        now, depths = self._clock.now(), self._memory.depths
        old = [q for q, r in depths.items() if not r.is_known(now=now, stale=self._stale)]
        for queue in old:
            for region in depths.pop(queue).said.regions:
                metrics.QUEUE_PLAYERS.remove(queue, region)
