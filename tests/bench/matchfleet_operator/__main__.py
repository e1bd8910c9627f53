"""`make bench-operator`: measures the operator; the last line printed is one JSON object.

Parts may be chosen (PARTS=claims,lives). Each is bounded in time, and one that fails leaves its
figures null with the reason in the table.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.matchfleet_operator import (
    api,
    claims,
    failover,
    faults,
    figures,
    lives,
    memory,
    real,
    stand,
)
from tools.cluster import errors

Measure = Callable[[stand.Stand, figures.Figures], Coroutine[Any, Any, None]]

ON_THE_STAND: dict[str, tuple[Measure, float, tuple[str, ...]]] = {
    "claims": (claims.measure, 420.0, ("claims_per_s",)),
    "lives": (lives.measure, 900.0, ("lives_per_s", "writes_per_life", "cpu_ms_per_life")),
    "faults": (faults.measure, 720.0, ("claims_wrong", "pods_leaked")),
    "failover": (failover.measure, 300.0, ("failover_p95_s", "handover_p95_s")),
    "memory": (memory.measure, 540.0, ("rss_mib_5000", "idle_core", "restart_s")),
}

REAL = "real"


async def bench(parts: list[str], folder: Path) -> figures.Figures:
    """Runs the parts one after the other."""
    told = figures.Figures()
    wanted = [name for name in ON_THE_STAND if name in parts]
    if wanted:
        async with stand.standing(folder) as found:
            for name in wanted:
                await _on_the_stand(name, found, told)
    if REAL in parts:
        await _part(REAL, real.measure(told, folder), told, most_s=real.MOST_S, keys=real.KEYS)
    return told


async def _on_the_stand(name: str, found: stand.Stand, told: figures.Figures) -> None:
    measure, most_s, keys = ON_THE_STAND[name]
    await _part(name, measure(found, told), told, most_s=most_s, keys=keys)


async def _part(
    name: str,
    measuring: Coroutine[Any, Any, None],
    told: figures.Figures,
    *,
    most_s: float,
    keys: tuple[str, ...],
) -> None:
    began = time.monotonic()
    print(f"{name}: at most {most_s:.0f} s", flush=True)
    try:
        async with asyncio.timeout(most_s):
            await measuring
    except (stand.GaveUp, api.Refused, errors.ClusterError, TimeoutError, OSError) as failure:
        why = str(failure) or f"not done within {most_s:.0f} s"
        told.lack(keys, f"{name}: {why.splitlines()[0]}")
        print(f"{name} failed: {why}", flush=True)
    print(f"{name}: took {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Prints a table and the JSON object; 1 when a part failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = [*ON_THE_STAND, REAL]
    parser.add_argument("--parts", default=",".join(every))
    parser.add_argument("--keep", type=Path, help="a folder for logs, kept afterwards")
    chosen = parser.parse_args()
    parts = [part for part in chosen.parts.split(",") if part]
    if unknown := set(parts) - set(every):
        parser.error(f"no part is called {', '.join(sorted(unknown))}: {', '.join(every)}")
    with tempfile.TemporaryDirectory(prefix="matchfleet-bench-") as folder:
        told = uvloop.run(bench(parts, chosen.keep or Path(folder)))
    print(told.table())
    print(told.last_line())
    return 1 if told.absent else 0


if __name__ == "__main__":
    sys.exit(main())
