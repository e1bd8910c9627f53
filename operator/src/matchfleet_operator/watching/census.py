"""Counts for whoever watches: Matches by phase, servers of each Fleet, and the operator's own lag.

Standbys count as well: what they would say as leaders should not be news when they become it.
"""

import asyncio
import time

from matchfleet_contracts.resources import Phase
from matchfleet_operator import metrics
from matchfleet_operator.watching.cache import Cache

PERIOD_S = 5.0
LAG_PERIOD_S = 0.25
STATES = ("idle", "starting", "busy", "draining", "waiting")


class Census:
    """What is known now, as gauges; a Fleet that is gone leaves none."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._told: set[str] = set()

    def take(self) -> None:
        """Sets all gauges to what the cache holds."""
        counts = dict.fromkeys(Phase, 0)
        for match in self._cache.matches():
            counts[match.status.phase] += 1
        for phase, count in counts.items():
            metrics.MATCHES.labels(phase=phase.value).set(count)
        for name, fleet in self._cache.fleets.items():
            for state in STATES:
                count = getattr(fleet.status, state)
                metrics.SERVERS.labels(fleet=name, state=state).set(count)
            scaled = fleet.status.desired_warm
            metrics.DESIRED_WARM.labels(fleet=name).set(fleet.warm if scaled is None else scaled)
        for gone in self._told - self._cache.fleets.keys():
            for state in STATES:
                metrics.SERVERS.remove(gone, state)
            metrics.DESIRED_WARM.remove(gone)
        self._told = set(self._cache.fleets)

    async def work(self) -> None:
        """Counts for ever."""
        while True:
            self.take()
            await asyncio.sleep(PERIOD_S)


async def measure_lag() -> None:
    """Sees for ever how late the event loop comes back to who asked for it."""
    while True:
        asked = time.monotonic()
        await asyncio.sleep(LAG_PERIOD_S)
        metrics.LOOP_LAG.observe(max(0.0, time.monotonic() - asked - LAG_PERIOD_S))
