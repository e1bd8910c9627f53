"""Many plans, several at a time, on one API server.

    python -m chaos.campaign [PLAN ...]     all plans and walks, or those whose names begin so

A walk is called `walk/SEED`. The last line printed is one JSON object: plans, passed, failed.
"""

import asyncio
import json
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import operator_bench
import structlog

from chaos import plans, trial, walks
from chaos.faults import Plan
from chaos.proxy import Proxy
from chaos.trial import Verdict
from matchfleet_operator.watching import access
from tools.cluster import binaries, control_plane, places

AT_A_TIME = 6
WALKS = 1000
LINE_BYTES = 2**22


def _no_report(verdict: Verdict) -> None:
    """Nobody wants to know meanwhile."""


async def run(
    chosen: Sequence[Plan],
    kubeconfig: Path,
    folder: Path,
    *,
    at_a_time: int = AT_A_TIME,
    report: Callable[[Verdict], None] = _no_report,
) -> list[Verdict]:
    """The verdicts of these plans, in their order."""
    reach = access.of_kubeconfig(kubeconfig)
    connector = aiohttp.TCPConnector(ssl=reach.tls() or True, limit=0)
    headers = {"Authorization": f"Bearer {reach.bearer()}"}
    turns = asyncio.Semaphore(at_a_time)
    async with aiohttp.ClientSession(
        reach.server, headers=headers, connector=connector, read_bufsize=LINE_BYTES
    ) as upstream:
        proxy = Proxy(upstream)
        await proxy.start()

        async def take_turn(number: int, plan: Plan) -> Verdict:
            async with turns:
                own = folder / str(number)
                own.mkdir()
                verdict = await trial.run(plan, kubeconfig, proxy, own)
                report(verdict)
                return verdict

        try:
            return await asyncio.gather(*(take_turn(n, p) for n, p in enumerate(chosen)))
        finally:
            await proxy.stop()


def _print(verdict: Verdict) -> None:
    word = "failed" if verdict.problems else "passed"
    print(f"{word} {verdict.took_s:5.1f} s {verdict.plan}", flush=True)
    for problem in verdict.problems:
        print(f"    {problem}", flush=True)


def _walk(words: Sequence[str]) -> dict[str, Any]:
    """Random walks; whatever was asked for, in as many processes as there are cores."""
    seeds = [n for n in range(WALKS) if not words or any(f"walk/{n}" == w for w in words)]
    with multiprocessing.get_context("spawn").Pool(initializer=_be_quiet) as pool:
        results = list(pool.imap_unordered(walks.walk, seeds, chunksize=10))
    failed = sorted((r for r in results if r.problem), key=lambda r: r.seed)
    for result in failed:
        print(f"failed walk/{result.seed}\n    {result.problem}", flush=True)
    return {
        "walks": len(results),
        "walks_failed": len(failed),
        "edits_taken": sum(r.taken for r in results),
        "edits_refused": sum(r.refused for r in results),
    }


def _be_quiet() -> None:
    """What goes wrong is wanted."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def main(words: Sequence[str]) -> int:
    """Runs the plans and walks named; 0 if all held."""
    chosen = [p for p in plans.ALL if not words or any(str(p).startswith(w) for w in words)]
    began = time.monotonic()
    _be_quiet()
    walked = _walk(words)
    verdicts = _try(chosen) if chosen else []
    if not verdicts and not walked["walks"]:
        print(f"no plan begins with {' or '.join(words)}", file=sys.stderr)
        return 2
    failed = [v for v in verdicts if v.problems]
    told = {
        "plans": len(verdicts),
        "passed": len(verdicts) - len(failed),
        "failed": len(failed),
        "failed_plans": [str(v.plan) for v in failed],
        **walked,
        "seconds": round(time.monotonic() - began),
    }
    print(json.dumps(told))
    return 1 if failed or walked["walks_failed"] else 0


def _try(chosen: Sequence[Plan]) -> list[Verdict]:
    kube = binaries.cached(binaries.KUBE, places.own_places())
    with tempfile.TemporaryDirectory(prefix="matchfleet-chaos-") as given:
        folder = Path(given)
        with control_plane.running(folder / "state", kube=kube) as api:
            operator_bench.apply_crds(api)
            return asyncio.run(run(chosen, api.kubeconfig, folder, report=_print))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
