"""Two operator processes and one API server: one serves, whatever happens to the other."""

import asyncio
import collections
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import operator_replicas as replicas
import pytest
from operator_bench import Bench
from operator_replicas import Replica

pytestmark = pytest.mark.control_plane

MATCHES = 12
# The machine has other tests to run; the benchmark measures the bounds themselves.
BUSY_S = 1.5
LONG = {"assignSeconds": 60, "joinSeconds": 60, "maxSeconds": 300}


async def until_ready(*those: Replica) -> None:
    for one in those:
        await replicas.until(one.is_ready, within_s=30, why=one.log)


async def until_leads(one: Replica, *, within_s: float) -> float:
    return await replicas.until(one.leads, within_s=within_s, why=one.log)


@contextlib.asynccontextmanager
async def kubelet(bench: Bench) -> AsyncIterator[None]:
    """Starts what waits to start, and ends what is told to end."""

    async def work() -> None:
        while True:
            await bench.start_pods()
            for pod in await bench.pods():
                meta = pod["metadata"]
                if "deletionTimestamp" in meta and pod["status"]["phase"] == "Running":
                    await bench.end_pod(meta["name"], exit_code=143, reason="Error")
            await asyncio.sleep(0.1)

    working = asyncio.create_task(work())
    try:
        yield
        assert not working.done(), working.exception()
    finally:
        working.cancel()
        await asyncio.wait([working])


async def until_idle(bench: Bench, count: int) -> None:
    async def enough() -> bool:
        fleet = await bench.call("GET", bench.path("fleets", "eu"))
        return bool(fleet.get("status", {}).get("idle", 0) >= count)

    await bench.until(enough)


async def chosen(bench: Bench, *phases: str) -> dict[str, list[str]]:
    """The servers that Matches in these phases name, by Match: uids."""
    found = (await bench.call("GET", bench.path("matches")))["items"]
    return {
        m["metadata"]["uid"]: [m["status"]["server"]["podUID"]]
        for m in found
        if m["status"]["phase"] in phases
    }


async def idle_servers(bench: Bench) -> list[str]:
    """The names of the pods that are nobody's."""
    found = [pod["metadata"] for pod in await bench.pods()]
    return sorted(m["name"] for m in found if "finalizers" not in m)


async def live_servers(bench: Bench) -> dict[str, list[str]]:
    """The pods that are claimed and not Terminating, by Match: uids."""
    found: dict[str, list[str]] = collections.defaultdict(list)
    for pod in await bench.pods():
        meta = pod["metadata"]
        match = meta.get("annotations", {}).get("matchfleet.dev/match-uid")
        if match and "deletionTimestamp" not in meta and pod["status"]["phase"] == "Running":
            found[match].append(meta["uid"])
    return found


async def test_a_stopped_leader_that_wakes_serves_no_match_that_another_serves(
    bench: Bench, with_crds: Any, tmp_path: Path, rabbitmq_url: str
) -> None:
    road = replicas.SlowRoad(with_crds.kubeconfig)
    told = {"rabbitmq_url": rabbitmq_url, "MATCHFLEET_ACK_SECONDS": "30"}
    is_stopped, is_woken = asyncio.Event(), asyncio.Event()

    async def heard(pod: str, match: str) -> bool:
        """Every other server lets its Match wait until the first leader is awake."""
        if is_stopped.is_set():
            return is_woken.is_set() or int(pod[-1], 16) % 2 == 0
        # From here on, what the leader sends to the API server is late.
        road.close()
        is_stopped.set()
        await is_woken.wait()
        return True

    async with contextlib.AsyncExitStack() as stack:
        slow = await stack.enter_async_context(road.opened(tmp_path))
        old = await stack.enter_async_context(
            replicas.replica(bench, tmp_path, "old", kubeconfig=slow, **told)
        )
        await until_leads(old, within_s=30)
        new = await stack.enter_async_context(
            replicas.replica(bench, tmp_path, "new", kubeconfig=with_crds.kubeconfig, **told)
        )
        await until_ready(old, new)
        assert not await new.leads(), "ready to lead is ready, too"
        await stack.enter_async_context(kubelet(bench))
        await bench.apply_fleet(warm=MATCHES, most=4 * MATCHES)
        await until_idle(bench, MATCHES)
        bench.game.heard = heard
        await bench.apply_match("m0", limits=LONG)
        await is_stopped.wait()
        # It still hears of what comes, and acts on it.
        await asyncio.gather(*(bench.apply_match(f"m{n}", limits=LONG) for n in range(1, MATCHES)))
        await bench.until(road.has_held, why="the old leader sent nothing more")
        old.send(signal.SIGSTOP)
        try:
            # The second leader has other servers to choose from than the first one had.
            for pod in (await idle_servers(bench))[::2]:
                await bench.delete("pods", pod)
            took_s = await until_leads(new, within_s=8 + BUSY_S)
            print(f"\nstopped to taken over: {took_s:.1f} s")

            async def all_claimed() -> dict[str, list[str]] | None:
                found = await chosen(bench, "Assigned", "Ready")
                is_whole = len(found) == MATCHES and await live_servers(bench) == found
                return found if is_whole else None

            before = await bench.until(all_claimed, within_s=30)
            road.open()
        finally:
            old.send(signal.SIGCONT)

        async def knows() -> bool:
            lost = await old.metric("matchfleet_operator_lease_transitions_total", what="lost")
            return lost == 1 and await old.is_ready()

        await replicas.until(knows, within_s=10, why=old.log)
        assert (await old.leads(), await new.leads()) == (False, True)
        is_woken.set()

        async def all_ready() -> dict[str, list[str]] | None:
            found = await chosen(bench, "Ready")
            return found if len(found) == MATCHES else None

        assert await bench.until(all_ready, within_s=30) == before
        assert await live_servers(bench) == before
        assert len({pod for (pod,) in before.values()}) == MATCHES
        found = (await bench.call("GET", bench.path("matches")))["items"]
        await asyncio.gather(*(bench.play(match) for match in found))
        for match in found:
            await bench.until_phase("Completed", match["metadata"]["name"])


async def test_a_killed_leader_is_replaced_within_eight_seconds_and_a_stopped_one_within_two(
    bench: Bench, with_crds: Any, tmp_path: Path, rabbitmq_url: str
) -> None:
    told: dict[str, Any] = {"kubeconfig": with_crds.kubeconfig, "rabbitmq_url": rabbitmq_url}
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(replicas.replica(bench, tmp_path, "first", **told))
        await until_leads(first, within_s=30)
        second = await stack.enter_async_context(
            replicas.replica(bench, tmp_path, "second", **told)
        )
        third = await stack.enter_async_context(replicas.replica(bench, tmp_path, "third", **told))
        await until_ready(first, second, third)
        await stack.enter_async_context(kubelet(bench))
        await bench.apply_fleet(warm=3)
        await until_idle(bench, 3)

        async def next_claim(name: str) -> float:
            began = time.monotonic()
            await bench.apply_match(name)
            await bench.until_phase("Ready", name)
            return time.monotonic() - began

        first.send(signal.SIGKILL)
        killed_s = await next_claim("after-kill")
        leaders = [one for one in (second, third) if await one.leads()]
        assert len(leaders) == 1
        leaders[0].send(signal.SIGTERM)
        ended_s = await next_claim("after-term")
        print(f"\nto the next claim: {killed_s:.1f} s after SIGKILL, {ended_s:.2f} s after SIGTERM")
        assert killed_s < 8 + BUSY_S
        assert ended_s < 2 + BUSY_S
        assert await leaders[0].ended(within_s=10) == 0
