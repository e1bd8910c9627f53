"""The load of a part: Matches created, watched, played to their end, and accounted for."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from tests.bench.matchfleet_operator import ledger, playing
from tests.bench.matchfleet_operator.stand import Stand


@dataclass(slots=True)
class Load:
    """Creates Matches on one stand and keeps the ledger of them."""

    stand: Stand
    ledger: ledger.Ledger
    chance: random.Random

    async def create(self, name: str, fleet: str, *, ttl_s: int = 0) -> None:
        """One Match, entered into the ledger first."""
        self.ledger.ask(name)
        await self.stand.create_match(name, fleet, ttl_s=ttl_s)

    async def burst(self, prefix: str, fleet: str, count: int) -> None:
        """So many Matches as fast as sixteen clients can."""
        names = iter([f"{prefix}-{n}" for n in range(count)])

        async def client() -> None:
            for name in names:
                await self.create(name, fleet)

        await asyncio.gather(*(client() for _ in range(16)))

    async def poisson(
        self, prefix: str, fleet: str, *, per_s: float, count: int, ttl_s: int = 0
    ) -> None:
        """So many Matches at random moments, so many a second on average, whatever happens."""
        loop = asyncio.get_running_loop()
        at = loop.time()
        asked: set[asyncio.Task[None]] = set()
        for number in range(count):
            at += self.chance.expovariate(per_s)
            await asyncio.sleep(max(0.0, at - loop.time()))
            task = asyncio.create_task(self.create(f"{prefix}-{number}", fleet, ttl_s=ttl_s))
            asked.add(task)
            task.add_done_callback(asked.discard)
        await asyncio.gather(*asked)

    async def until(self, is_so: Callable[[], bool], *, within_s: float, what: str) -> None:
        """Waits for the ledger."""

        async def asked() -> bool:
            return is_so()

        await self.stand.until(asked, within_s=within_s, what=what, every_s=0.02)


@contextlib.asynccontextmanager
async def loading(
    stand: Stand, *, seed: int, length_s: Callable[[], float] | None = None
) -> AsyncIterator[Load]:
    """A load for the time of the block; with `length_s` its matches end by themselves."""
    found = Load(stand, ledger.Ledger(stand.games), random.Random(seed))
    ready = asyncio.Event()
    tasks = [asyncio.create_task(stand.api.watch(found.ledger.tell, ready))]
    if length_s is not None:
        tasks.append(asyncio.create_task(playing.play(stand.api, found.ledger, length_s=length_s)))
    try:
        await ready.wait()
        yield found
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
