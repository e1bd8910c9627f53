"""What one Match costs the API server, counted by the operator's own metrics."""

import asyncio
import statistics
import time

import prometheus_client
import pytest

pytestmark = pytest.mark.control_plane

WRITES = ("create", "patch", "delete")
# Once a second at most, however many Matches there are.
BY_TIME = {"fleets", "leases"}


def writes() -> dict[tuple[str, str], float]:
    """Mutating requests so far, by verb and resource."""
    found: dict[tuple[str, str], float] = {}
    for family in prometheus_client.REGISTRY.collect():
        for sample in family.samples:
            if sample.name == "matchfleet_operator_api_requests_total":
                key = (sample.labels["verb"], sample.labels["resource"])
                found[key] = found.get(key, 0) + sample.value
    return {key: count for key, count in found.items() if key[0] in WRITES}


def mean_claim_ms() -> float:
    """From a Match first seen to the server chosen for it."""
    read = prometheus_client.REGISTRY.get_sample_value
    step = {"step": "chosen"}
    total = read("matchfleet_operator_claim_seconds_sum", step) or 0.0
    count = read("matchfleet_operator_claim_seconds_count", step) or 1.0
    return 1000 * total / count


async def gone(bench, name: str) -> bool:
    found = await bench.call("GET", bench.path("matches"))
    return all(m["metadata"]["name"] != name for m in found["items"])


async def lives(bench, count: int) -> list[float]:
    """Plays matches one after the other on warm servers; from created to Ready, in seconds."""
    took = []
    for number in range(count):
        await bench.until_pods_run(2)

        async def two_idle() -> bool:
            fleet = await bench.call("GET", bench.path("fleets", "eu"))
            return fleet.get("status", {}).get("idle") == 2

        await bench.until(two_idle)
        name = f"life-{number}"
        began = time.perf_counter()
        await bench.apply_match(name, ttlSecondsAfterFinished=0)
        found = await bench.until_phase("Ready", name)
        took.append(time.perf_counter() - began)
        await bench.play(found)
        await bench.until(lambda name=name: gone(bench, name))
    return took


async def test_a_warm_match_costs_eight_writes_fleet_status_and_lease_aside(bench):
    count = 10
    async with bench.operating():
        await bench.apply_fleet(warm=2)
        await bench.until_pods_run(2)
        before = writes()
        took = await lives(bench, count)
        await bench.until_pods_run(2)
        after = writes()
    spent = {key: after[key] - before.get(key, 0) for key in after}
    per_life = sum(n for (_, resource), n in spent.items() if resource not in BY_TIME) / count
    print(
        f"\nwrites per life {per_life:.1f} ({spent}); created to Ready "
        f"p50 {statistics.median(took) * 1000:.0f} ms, max {max(took) * 1000:.0f} ms; "
        f"seen to chosen {mean_claim_ms():.1f} ms on average"
    )
    assert per_life <= 8


async def test_a_burst_of_matches_is_served_by_idle_servers_each_by_one(bench):
    count = 60
    async with bench.operating():
        await bench.apply_fleet(warm=count, most=3 * count)
        await bench.until_pods_run(count)

        async def all_idle() -> bool:
            fleet = await bench.call("GET", bench.path("fleets", "eu"))
            return fleet.get("status", {}).get("idle", 0) >= count

        await bench.until(all_idle, within_s=30)
        began = time.perf_counter()
        await asyncio.gather(*(bench.apply_match(f"burst-{n}") for n in range(count)))

        async def all_ready() -> list[str] | None:
            found = (await bench.call("GET", bench.path("matches")))["items"]
            ready = [m for m in found if m.get("status", {}).get("phase") == "Ready"]
            return [m["status"]["server"]["podUID"] for m in ready] if len(ready) == count else None

        servers = await bench.until(all_ready, within_s=30)
        took_s = time.perf_counter() - began
        print(f"\n{count} warm claims in {took_s:.2f} s: {count / took_s:.0f}/s, creation included")
    assert len(set(servers)) == count
