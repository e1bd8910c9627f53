"""How many wait in a queue, in which region, and when everybody is told.

Servers are started from this number before there is a Match to wait for one. A ticket counts once,
in the region that would be the best for it alone; where it plays is pairing's business. The number
is told soon after it changed, but never twice within `period_s`, and again every `repeat_s`: who
hears nothing for longer knows that nobody counts.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from matchfleet_api import metrics
from matchfleet_api.matchmaking import postbox, queues, regions
from matchfleet_contracts import clock, events
from matchfleet_contracts.ids import EventId

SOURCE = "/matchmaker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between two tellings at least, and at most while nothing changes."""

    period_s: float
    repeat_s: float


def of(waiting: Iterable[regions.Traveller], queue: queues.Queue) -> events.QueueDepth:
    """The depth of `queue` when these wait."""
    counts = dict.fromkeys(queue.regions, 0)
    for who in waiting:
        counts[_home(who, queue)] += 1
    return events.QueueDepth(
        game=queue.game,
        mode=queue.mode,
        regions={
            region: events.RegionDepth(players=counts[region], fleets=list(fleets))
            for region, fleets in queue.regions.items()
        },
    )


def _home(who: regions.Traveller, queue: queues.Queue) -> str:
    # Without a region in reach pairing takes the least bad one, too.
    among = regions.possible(who, queue) or tuple(queue.regions)
    return regions.best((who,), queue, among=among)


class Teller:
    """Tells the depth of one queue, for as long as this process writes it."""

    def __init__(
        self,
        queue: queues.Queue,
        publisher: postbox.Publisher,
        *,
        look: Callable[[], events.QueueDepth | None],
        now: clock.Clock,
        new_id: Callable[[], str],
        pace: Pace,
    ) -> None:
        """`look` gives the depth now, or None while it is not known."""
        self._queue = queue
        self._publisher = publisher
        self._look = look
        self._clock = now
        self._new_id = new_id
        self._pace = pace
        self._said: events.QueueDepth | None = None
        self._said_at: datetime.datetime | None = None

    async def run_round(self) -> None:
        """Tells it, if it is time to.

        Raises:
            matchfleet_adapters.errors.PublishFailed: the broker did not take it; it is not told.
        """
        now = self._clock.now()
        silent_s = self._silent_s(now)
        if silent_s is not None and silent_s < self._pace.period_s:
            return
        depth = self._look()
        if depth is None:
            return
        self._measure(depth.regions)
        if depth == self._said and silent_s is not None and silent_s < self._pace.repeat_s:
            return
        told = events.event(
            depth,
            event_id=EventId(self._new_id()),
            source=SOURCE,
            at=now,
            subject=self._queue.key,
        )
        await self._publisher.publish(told)
        self._said, self._said_at = depth, now

    def _silent_s(self, now: datetime.datetime) -> float | None:
        return None if self._said_at is None else (now - self._said_at).total_seconds()

    def _measure(self, by_region: Mapping[str, events.RegionDepth]) -> None:
        for region, told in by_region.items():
            metrics.PLAYERS.labels(self._queue.key, region).set(told.players)

    def fall_silent(self) -> None:
        """This process does not write the queue any more: it has no number for it."""
        for region in self._queue.regions:
            metrics.PLAYERS.labels(self._queue.key, region).set(0)
        metrics.WAITING.labels(self._queue.key).set(0)
