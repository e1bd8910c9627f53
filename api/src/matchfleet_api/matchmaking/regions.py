"""Where a group plays: in the region whose worst round trip is the lowest.

A region that was not measured counts as if it lay at the cap: it is possible, and any measured one
is preferred. A ticket that came back from a failed region avoids it, unless it has no other.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from matchfleet_api.matchmaking import queues


class Traveller(Protocol):
    """Whoever has round trips: a ticket, or a candidate made of one."""

    @property
    def rtt_ms(self) -> Mapping[str, int]:
        """Measured round trips by region."""
        ...

    @property
    def avoid_region(self) -> str | None:
        """The region in which a match of this ticket has just failed."""
        ...


def possible(who: Traveller, queue: queues.Queue) -> tuple[str, ...]:
    """The regions one ticket may play in, in the queue's order."""
    near = tuple(r for r in queue.regions if _rtt_ms(who, r, queue) <= queue.rtt_cap_ms)
    return tuple(r for r in near if r != who.avoid_region) or near


def best(group: Sequence[Traveller], queue: queues.Queue, *, among: Sequence[str]) -> str:
    """Of `among`, the region with the lowest worst trip; then the lowest sum; then the first."""
    return min(among, key=lambda r: _worst_and_sum(group, r, queue))


def _worst_and_sum(group: Sequence[Traveller], region: str, queue: queues.Queue) -> tuple[int, int]:
    trips = [_rtt_ms(who, region, queue) for who in group]
    return max(trips), sum(trips)


def _rtt_ms(who: Traveller, region: str, queue: queues.Queue) -> int:
    return who.rtt_ms.get(region, queue.rtt_cap_ms)
