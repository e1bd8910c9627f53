"""Part `lives`: whole lives of Matches at random arrivals, and what one costs the operator.

The rate is found by offering: first what is hoped for, then less, and it counts only when every
Match that was asked for lived its life to the end.
"""

import random
import time

from tests.bench.matchfleet_operator import figures, load
from tests.bench.matchfleet_operator.stand import OperatorProcess, Stand

OFFERED_PER_S = (30.0, 25.0, 21.0)
TRIAL_S = 45.0
LENGTH_S = (2.0, 4.0)
FLEET = "lives"
WARM = 100
MOST = 1000
# Behind the last arrival: the length of a match, and a little.
LAG_S = 12.0
CLEAN_WITHIN_S = 240.0


async def measure(stand: Stand, told: figures.Figures, *, seconds: float = 300.0) -> None:
    """Lives per second over `seconds`, the operator's writes and processor time per life."""
    async with stand.operating() as operator:
        await stand.apply_fleet(FLEET, warm=WARM, most=MOST)
        await stand.until_idle(FLEET, WARM)
        for offered in OFFERED_PER_S:
            is_last = offered == OFFERED_PER_S[-1]
            if not is_last and not await _run(stand, operator, told, offered, TRIAL_S, final=False):
                continue
            if await _run(stand, operator, told, offered, seconds, final=True):
                break
        await stand.remove_all()


async def _run(
    stand: Stand,
    operator: OperatorProcess,
    told: figures.Figures,
    offered: float,
    seconds: float,
    *,
    final: bool,
) -> bool:
    """Offers so many lives a second; whether they were kept up with."""
    count = int(offered * seconds)
    writes, cpu_s = await operator.mutating_calls(stand.http), operator.child.cpu_s()
    began = time.perf_counter()
    chance = random.Random(int(offered))
    async with load.loading(
        stand, seed=int(offered), length_s=lambda: chance.uniform(*LENGTH_S)
    ) as found:
        ledger = found.ledger
        await found.poisson(
            f"life-{offered:.0f}-{'run' if final else 'try'}", FLEET, per_s=offered, count=count
        )
        arrived_s = time.perf_counter() - began
        done_at_once = ledger.gone
        await found.until(lambda: ledger.gone == count, within_s=CLEAN_WITHIN_S, what="all cleaned")
        took_s = time.perf_counter() - began
        await stand.until_idle(FLEET, WARM)
    after, cpu_s = await operator.mutating_calls(stand.http), operator.child.cpu_s() - cpu_s
    spent = {name: (after[name] - writes.get(name, 0.0)) / count for name in after}
    waits = ledger.claim_ms()
    p50, p99 = (figures.percentile(waits, share) for share in (0.5, 0.99))
    per_s = ledger.lives_per_s()
    told.notes.append(
        f"{offered:.0f} lives/s offered for {arrived_s:.0f} s: {count} done in {took_s:.0f} s, "
        f"{len(ledger.lost())} lost, {len(ledger.wrong)} wrong, created to Ready "
        f"p50 {p50:.0f} ms p99 {p99:.0f} ms, "
        f"behind at the end {count - done_at_once}; operator {1000 * cpu_s / count:.1f} ms and "
        f"{sum(spent.values()):.2f} writes a life ("
        + ", ".join(f"{name} {n:.2f}" for name, n in sorted(spent.items()))
        + ")"
    )
    kept_up = not ledger.wrong and took_s <= arrived_s + LAG_S
    if final:
        told.put("lives_per_s", per_s)
        told.put("writes_per_life", sum(spent.values()))
        told.put("cpu_ms_per_life", 1000 * cpu_s / count)
    return kept_up
