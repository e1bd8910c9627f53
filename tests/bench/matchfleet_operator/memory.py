"""Part `memory`: 5,000 live Matches at once, an operator that has nothing to do, and a restart.

A restart is measured from the start of the process until it serves a Match that was created in that
moment: by then it has looked at everything and works.
"""

import asyncio
import statistics
import time

from tests.bench.matchfleet_operator import figures, load
from tests.bench.matchfleet_operator.stand import OperatorProcess, Stand

LIVE = 5000
FLEET = "live"
WARM = 100
ARRIVALS_PER_S = 45.0
FILLED_WITHIN_S = 240.0
SETTLE_S = 5.0
IDLE_S = 60.0
RESTARTS = 3


async def measure(stand: Stand, told: figures.Figures) -> None:
    """Memory, idle time and restarts."""
    operator = stand.start_operator()
    try:
        await stand.until_ready(operator)
        await stand.apply_fleet(FLEET, warm=10, most=LIVE + 2 * WARM)
        await stand.until_idle(FLEET, 10)
        told.put("idle_core", await _idle(operator))
        async with load.loading(stand, seed=5000) as found:
            await stand.apply_fleet(FLEET, warm=WARM, most=LIVE + 2 * WARM)
            await found.poisson("live", FLEET, per_s=ARRIVALS_PER_S, count=LIVE)
            await found.until(
                lambda: found.ledger.ready == LIVE,
                within_s=FILLED_WITHIN_S,
                what=f"{LIVE} live Matches",
            )
            await stand.until_idle(FLEET, WARM)
            await asyncio.sleep(SETTLE_S)
            told.put("rss_mib_5000", operator.child.rss_mib())
            told.notes.append(
                f"with {LIVE} live Matches and nothing happening: "
                f"{100 * await _idle(operator):.1f} % of a core, audits included"
            )
            took = []
            for number in range(RESTARTS):
                await operator.child.stop()
                began = time.perf_counter()
                operator = stand.start_operator()
                took.append(await _served(stand, found, f"restart-{number}", began))
            told.put("restart_s", statistics.median(took))
            told.notes.append(f"restarts: {', '.join(f'{s:.1f} s' for s in took)}")
    finally:
        await operator.child.stop()


async def _idle(operator: OperatorProcess) -> float:
    """The share of a core that it takes over a minute."""
    before = operator.child.cpu_s()
    await asyncio.sleep(IDLE_S)
    return (operator.child.cpu_s() - before) / IDLE_S


async def _served(stand: Stand, found: load.Load, name: str, began: float) -> float:
    await found.create(name, FLEET)
    life = found.ledger.lives[name]
    await found.until(lambda: life.ready_at is not None, within_s=60, what=f"{name} served")
    return (life.ready_at or 0.0) - began
