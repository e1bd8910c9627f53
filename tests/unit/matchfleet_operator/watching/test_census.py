"""The gauges say what is known, and nothing of what is gone."""

import asyncio

import prometheus_client

from matchfleet_operator.acting import kube
from matchfleet_operator.testing.rig import Rig
from matchfleet_operator.watching import census


def sample(name: str, **labels: str) -> float | None:
    return prometheus_client.REGISTRY.get_sample_value(f"matchfleet_operator_{name}", labels)


def test_servers_are_counted_by_fleet_and_state_until_the_fleet_is_gone():
    rig = Rig()
    rig.apply_fleet("counted", warm=2)
    rig.settle()
    rig.start_pods()
    rig.pass_s(2)
    counted = census.Census(rig.cache)
    counted.take()
    assert sample("servers", fleet="counted", state="idle") == 2
    assert sample("servers", fleet="counted", state="busy") == 0
    rig.api.begin_deletion(kube.FLEETS, "counted")
    rig.settle()
    counted.take()
    assert sample("servers", fleet="counted", state="idle") is None


def test_matches_are_counted_by_phase_and_phases_without_any_are_zero():
    rig = Rig()
    rig.apply_fleet(warm=1)
    rig.settle()
    rig.start_pods()
    rig.ready_match("one")
    rig.apply_match("two")
    rig.hear()
    census.Census(rig.cache).take()
    assert sample("matches", phase="Ready") == 1
    assert sample("matches", phase="Pending") == 1
    assert sample("matches", phase="Failed") == 0


async def test_an_event_loop_that_is_kept_busy_is_seen_to_lag(monkeypatch):
    monkeypatch.setattr(census, "LAG_PERIOD_S", 0.0)
    before = sample("loop_lag_seconds_count") or 0
    measuring = asyncio.create_task(census.measure_lag())
    for _ in range(5):
        await asyncio.sleep(0)
    measuring.cancel()
    await asyncio.wait([measuring])
    assert (sample("loop_lag_seconds_count") or 0) > before
