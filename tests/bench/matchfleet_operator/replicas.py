"""Several operators of which one leads: who that is, and what happens when it is taken down."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.bench.matchfleet_operator.api import Refused
from tests.bench.matchfleet_operator.stand import OperatorProcess, Stand

LEASE = "matchfleet-operator"
LED_WITHIN_S = 30.0


@dataclass(slots=True)
class Replicas:
    """Operators that share one Lease."""

    stand: Stand
    running: list[OperatorProcess] = field(default_factory=list)

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, stand: Stand, count: int) -> "AsyncIterator[Replicas]":
        """So many replicas for the time of the block."""
        found = cls(stand)
        try:
            for _ in range(count):
                await found.replace()
            yield found
        finally:
            await asyncio.gather(*(one.child.stop() for one in found.running))

    async def replace(self) -> None:
        """Starts one more and waits until it is ready to lead."""
        fresh = self.stand.start_operator()
        self.running.append(fresh)
        await self.stand.until_ready(fresh)

    async def leader(self) -> OperatorProcess:
        """The one that holds the Lease."""
        found: list[OperatorProcess] = []

        async def held() -> bool:
            try:
                raw = await self.stand.api.get("leases", LEASE)
            except Refused:
                return False
            holder = str(raw["spec"].get("holderIdentity") or "")
            found[:] = [one for one in self.running if holder.startswith(f"{one.identity}_")]
            return bool(found)

        await self.stand.until(held, within_s=LED_WITHIN_S, what="a leader", every_s=0.05)
        return found[0]

    async def take_down(self, number: signal.Signals) -> None:
        """Ends the leader by a signal and forgets it; it is gone when a kill returns."""
        gone = await self.leader()
        gone.child.send(number)
        self.running.remove(gone)
        if number is signal.SIGKILL:
            await gone.child.ended()
