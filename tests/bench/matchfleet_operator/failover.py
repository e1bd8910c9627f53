"""Part `failover`: how long players wait when the leader is killed, and when it is asked to go."""

import asyncio
import signal
import time

from tests.bench.matchfleet_operator import figures, load
from tests.bench.matchfleet_operator.replicas import Replicas
from tests.bench.matchfleet_operator.stand import Stand

ROUNDS = 8
FLEET = "failover"
WARM = 10
SERVED_WITHIN_S = 40.0
CALM_S = 2.0


async def measure(stand: Stand, told: figures.Figures) -> None:
    """From the signal to Ready of a Match that was created in that moment."""
    async with Replicas.of(stand, 2) as replicas:
        await stand.apply_fleet(FLEET, warm=WARM, most=WARM * 8)
        for key, number in (
            ("failover_p95_s", signal.SIGKILL),
            ("handover_p95_s", signal.SIGTERM),
        ):
            took = sorted([await _round(stand, replicas, number, n) for n in range(ROUNDS)])
            told.put(key, figures.percentile(took, 0.95))
            told.notes.append(f"{number.name}: {', '.join(f'{s:.1f}' for s in took)} s")
        await stand.remove_all()


async def _round(stand: Stand, replicas: Replicas, number: signal.Signals, n: int) -> float:
    await stand.until_idle(FLEET, WARM)
    await asyncio.sleep(CALM_S)
    async with load.loading(stand, seed=n) as found:
        await replicas.leader()
        began = time.perf_counter()
        await replicas.take_down(number)
        name = f"{number.name.lower()}-{n}"
        await found.create(name, FLEET)
        life = found.ledger.lives[name]
        await found.until(
            lambda: life.ready_at is not None, within_s=SERVED_WITHIN_S, what=f"{name} served"
        )
        took_s = (life.ready_at or 0.0) - began
    await replicas.replace()
    return took_s
