"""`make bench-operator`: measures the operator; the last line printed is one JSON object.

Parts may be chosen (PARTS=claims,lives). Each is bounded in time, and one that fails leaves its
figures null with the reason in the table.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from tests.bench.matchfleet_operator import claims, failover, faults, figures, lives, memory, stand

Measure = Callable[[stand.Stand, figures.Figures], Awaitable[None]]

ON_THE_STAND: dict[str, tuple[Measure, float, tuple[str, ...]]] = {
    "claims": (claims.measure, 180.0, ("claims_per_s",)),
    "lives": (lives.measure, 600.0, ("lives_per_s", "writes_per_life", "cpu_ms_per_life")),
    "faults": (faults.measure, 720.0, ("claims_wrong", "pods_leaked")),
    "failover": (failover.measure, 300.0, ("failover_p95_s", "handover_p95_s")),
    "memory": (memory.measure, 540.0, ("rss_mib_5000", "idle_core", "restart_s")),
}


async def bench(parts: list[str], folder: Path) -> figures.Figures:
    """Runs the parts one after the other."""
    told = figures.Figures()
    wanted = [name for name in ON_THE_STAND if name in parts]
    if wanted:
        async with stand.standing(folder) as found:
            for name in wanted:
                await _part(name, found, told)
    return told


async def _part(name: str, found: stand.Stand, told: figures.Figures) -> None:
    measure, most_s, keys = ON_THE_STAND[name]
    began = time.monotonic()
    print(f"{name}: at most {most_s:.0f} s", flush=True)
    try:
        async with asyncio.timeout(most_s):
            await measure(found, told)
    except (stand.GaveUp, TimeoutError) as failure:
        why = str(failure) or f"not done within {most_s:.0f} s"
        told.lack(keys, f"{name}: {why}")
        with contextlib.suppress(Exception):
            print(f"{name} failed: {why}", flush=True)
    print(f"{name}: took {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    """Prints a table and the JSON object; 1 when a part failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(ON_THE_STAND))
    parser.add_argument("--keep", type=Path, help="a folder for logs, kept afterwards")
    chosen = parser.parse_args()
    parts = [part for part in chosen.parts.split(",") if part]
    unknown = set(parts) - set(ON_THE_STAND)
    if unknown:
        parser.error(f"no part is called {', '.join(sorted(unknown))}: {', '.join(ON_THE_STAND)}")
    with tempfile.TemporaryDirectory(prefix="matchfleet-bench-") as folder:
        told = uvloop.run(bench(parts, chosen.keep or Path(folder)))
    print(told.table())
    print(told.last_line())
    return 1 if told.absent else 0


if __name__ == "__main__":
    sys.exit(main())
