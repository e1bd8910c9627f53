"""One plan, from an empty namespace to a verdict."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

import operator_bench
from operator_bench import Bench

from chaos import processes, stories, truths
from chaos.faults import STALE, Plan
from chaos.observer import Observer
from chaos.proxy import Proxy
from chaos.stories import Left, Teller
from chaos.wire import Wire

HIT_WITHIN_S = 60.0
SETTLED_WITHIN_S = 60.0
QUIET_S = 1.3
"""Longer than an audit takes to come around: who has nothing to do writes nothing."""
QUIET_WITHIN_S = 30.0
MORE_WRITES_MOST = 8
"""How many writes one fault may cost beyond those of the story without one."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a plan; `problems` is empty if all held."""

    plan: Plan
    problems: tuple[str, ...]
    took_s: float
    calls: dict[str, int]
    writes: dict[str, int]


async def run(plan: Plan, kubeconfig: Path, proxy: Proxy, folder: Path) -> Verdict:
    """Carries out one plan; whatever goes wrong in it is a problem of its verdict."""
    began = time.monotonic()
    wire = Wire(plan)
    problems: list[str] = []
    async with operator_bench.opened(kubeconfig, folder) as bench:
        try:
            problems += await _tell(plan, bench, proxy, wire)
        except AssertionError as error:
            problems.append(f"the story does not go on: {error}")
    took_s = time.monotonic() - began
    return Verdict(plan, tuple(problems), took_s, dict(wire.calls), dict(wire.writes))


async def _tell(plan: Plan, bench: Bench, proxy: Proxy, wire: Wire) -> list[str]:
    seen = Observer(bench)
    tell = Teller(bench, seen, wire.stage)
    _keep_lists(plan, bench, proxy, wire)
    replicas = stories.REPLICAS.get(plan.story, 1)
    async with seen.watching(), processes.operated(bench, proxy, wire, replicas=replicas):
        left = await stories.STORIES[plan.story](tell)
        await _until_hit(wire)
        await _settle(bench, seen, left)
        await _until_quiet(wire)
        problems = list(truths.broken(seen, tell, left, bench.publisher.published))
    # How often a Fleet's status is written follows from how long a story takes.
    total = wire.writes.total() - wire.writes["patch-fleets"]
    most = stories.WRITES[plan.story] + MORE_WRITES_MOST
    if total > most:
        problems.append(f"{total} writes, and {most} are allowed: {dict(wire.writes)}")
    return problems


def _keep_lists(plan: Plan, bench: Bench, proxy: Proxy, wire: Wire) -> None:
    """A stale list is the one of the stage before."""
    point = plan.point
    if point is None or plan.fault not in STALE:
        return

    async def keep(stage: str) -> None:
        if stage != point.stage and not wire.is_armed:
            await proxy.remember(bench.path(point.resource))

    wire.on_stage.append(keep)


async def _until_hit(wire: Wire) -> None:
    try:
        async with asyncio.timeout(HIT_WITHIN_S):
            await wire.hit.wait()
    except TimeoutError:
        raise AssertionError(f"the fault never struck; calls: {dict(wire.calls)}") from None


async def _settle(bench: Bench, seen: Observer, left: Left) -> None:
    why = ""

    async def is_so() -> bool:
        nonlocal why
        fleets = (await bench.call("GET", bench.path("fleets")))["items"]
        why = truths.unsettled(seen, left, fleets)
        return not why

    try:
        await bench.until(is_so, within_s=SETTLED_WITHIN_S, every_s=0.1)
    except AssertionError as error:
        raise AssertionError(f"it does not settle: {why}; {error}") from error


async def _until_quiet(wire: Wire) -> None:
    give_up_at = time.monotonic() + QUIET_WITHIN_S
    while (now := time.monotonic()) < wire.wrote_at + QUIET_S:
        if now > give_up_at:
            raise AssertionError(f"it never stops writing: {dict(wire.writes)}")
        await asyncio.sleep(wire.wrote_at + QUIET_S - now)
