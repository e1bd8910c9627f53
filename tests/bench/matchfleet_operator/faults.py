"""Part `faults`: 10,000 claims while operators are killed and the Fleet shrinks, grows and rolls.

As many Matches as there are clients are under way at any time, and each ends after a moment. The
leader is killed again and again (another replica takes over, and a new one stands by), the Fleet is
scaled down and up, and its template changes. At the end all servers are given up, and what is left
then has leaked.
"""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator

from tests.bench.matchfleet_operator import figures, load
from tests.bench.matchfleet_operator.api import Refused
from tests.bench.matchfleet_operator.replicas import Replicas
from tests.bench.matchfleet_operator.stand import Stand

CLAIMS = 10_000
CLIENTS = 64
FLEET = "storm"
WARM = 48
MOST = 400
LENGTH_S = (0.2, 1.0)
FAULT_EVERY_S = 12.0
LIFE_WITHIN_S = 150.0
MOST_S = 540.0
CLEAN_S = 60.0


async def measure(stand: Stand, told: figures.Figures) -> None:
    """Wrong claims and leaked pods, with how many Matches and faults there were."""
    chance = random.Random(7)
    async with Replicas.of(stand, 2) as replicas:
        await stand.apply_fleet(FLEET, warm=WARM, most=MOST)
        await stand.until_idle(FLEET, WARM)
        began = time.monotonic()
        async with load.loading(stand, seed=7, length_s=lambda: chance.uniform(*LENGTH_S)) as found:
            async with _faulting(stand, replicas) as faults:
                await _clients(found, until=began + MOST_S)
            count = len(found.ledger.lives)
            wrong = [*found.ledger.wrong, *(f"{name}: lost" for name in found.ledger.lost())]
        told.put("claims_wrong", len(wrong))
        told.notes.append(
            f"{count} claims in {time.monotonic() - began:.0f} s under {len(faults)} faults "
            f"({', '.join(f'{faults.count(f)} {f}' for f in sorted(set(faults)))}); servers asked "
            f"for a second match: {stand.games.conflicts}; wrong: {wrong[:5] or 'none'}"
        )
        if count < CLAIMS:
            told.notes.append(f"claims_wrong is of {count} claims only: {MOST_S:.0f} s were over")
        told.put("pods_leaked", await _left(stand))


async def _clients(found: load.Load, *, until: float) -> None:
    names = iter([f"storm-{n}" for n in range(CLAIMS)])

    async def client() -> None:
        for name in names:
            if time.monotonic() >= until:
                return
            await found.create(name, FLEET)
            life = found.ledger.lives[name]
            give_up_at = time.monotonic() + LIFE_WITHIN_S
            while life.gone_at is None and time.monotonic() < give_up_at:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))


@contextlib.asynccontextmanager
async def _faulting(stand: Stand, replicas: Replicas) -> AsyncIterator[list[str]]:
    """Does harm in turn for the time of the block; the list says what was done."""
    done: list[str] = []

    async def harm() -> None:
        number = 0
        while True:
            await asyncio.sleep(FAULT_EVERY_S)
            number += 1
            match number % 4:
                case 1:
                    await stand.apply_fleet(FLEET, warm=WARM // 6, most=MOST)
                    done.append("scale-down")
                case 2:
                    await stand.apply_fleet(FLEET, warm=WARM, most=MOST)
                    done.append("scale-up")
                case 3:
                    await _roll(stand, number)
                    done.append("rollout")
                case _:
                    await replicas.take_down(signal.SIGKILL)
                    await replicas.replace()
                    done.append("kill")

    task = asyncio.create_task(harm())
    try:
        yield done
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _roll(stand: Stand, number: int) -> None:
    """Another template: as a new image would, it makes a new revision."""
    notes = {"metadata": {"annotations": {"bench/version": str(number)}}}
    with contextlib.suppress(Refused):
        await stand.api.call(
            "PATCH", stand.api.path("fleets", FLEET), {"spec": {"template": notes}}
        )


async def _left(stand: Stand) -> int:
    """Pods that are still there a while after nobody wants any."""
    await stand.apply_fleet(FLEET, warm=0, most=MOST)
    until = time.monotonic() + CLEAN_S
    left = await stand.count("pods")
    while left and time.monotonic() < until:
        await asyncio.sleep(1.0)
        left = await stand.count("pods")
    return left
