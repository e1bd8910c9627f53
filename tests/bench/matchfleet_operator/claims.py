"""Part `claims`: how fast a burst of Matches is served by servers that wait already."""

import statistics

from tests.bench.matchfleet_operator import figures, load
from tests.bench.matchfleet_operator.stand import Stand

BURST = 200
ROUNDS = 3
SERVED_WITHIN_S = 60.0
FLEET = "burst"


async def measure(stand: Stand, told: figures.Figures) -> None:
    """The median rate of three bursts, first asked to last Ready."""
    rates = []
    async with stand.operating():
        for number in range(ROUNDS):
            await stand.apply_fleet(FLEET, warm=BURST, most=3 * BURST)
            await stand.until_idle(FLEET, BURST)
            rates.append(await _burst(stand, told, number))
            await stand.remove_all()
    told.put("claims_per_s", statistics.median(rates))
    told.notes.append(f"bursts of {BURST}: {', '.join(f'{r:.0f}/s' for r in rates)}")


async def _burst(stand: Stand, told: figures.Figures, number: int) -> float:
    async with load.loading(stand, seed=number) as found:
        await found.burst(f"burst-{number}", FLEET, BURST)
        await found.until(
            lambda: found.ledger.ready == BURST, within_s=SERVED_WITHIN_S, what="all Ready"
        )
        waits = found.ledger.claim_ms()
        told.notes.append(
            f"burst {number + 1}: created to Ready p50 {figures.percentile(waits, 0.5):.0f} ms, "
            f"p99 {figures.percentile(waits, 0.99):.0f} ms; wrong: {found.ledger.wrong or 'none'}"
        )
        return found.ledger.claims_per_s()
