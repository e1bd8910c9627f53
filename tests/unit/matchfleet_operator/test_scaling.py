"""A Fleet that scales, from what is heard to the servers there are, over restarts."""

import pytest
from prometheus_client import REGISTRY

from matchfleet_contracts import events
from matchfleet_contracts.events import QueueDepth, RegionDepth
from matchfleet_contracts.ids import EventId, FleetName
from matchfleet_operator.acting import kube
from matchfleet_operator.keys import FleetKey
from matchfleet_operator.planning import conditions
from matchfleet_operator.testing import rig as rigs
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.census import Census
from matchfleet_operator.watching.depth_watch import DepthWatch

WINDOW_S = 60
BY_QUEUE = {
    "maxWarm": 4,
    "queueDepth": {"playersPerMatch": 2},
    "scaleDownStabilizationSeconds": WINDOW_S,
}


@pytest.fixture
def rig():
    return rigs.Rig()


def hear(rig, players, *, mode="blitz", region="eu"):
    """The matchmaker says how many wait."""
    watch = DepthWatch(
        rig.memory,
        lambda key: rig.dirty.__setitem__(key, None),
        rig.clock,
        stale_s=rig.rules.depth_stale_s,
    )
    said = QueueDepth("airhockey", mode, {region: RegionDepth(players, ["eu"])})
    event = events.event(said, event_id=EventId("e"), source="/matchmaker", at=rig.clock.now())
    rigs.run(watch.hear(event))


def settle_planned(rig):
    """Settles the keys that something named, and no others."""
    rig.hear()
    while rig.dirty:
        key = next(iter(rig.dirty))
        del rig.dirty[key]
        rig.step(key)
        rig.hear()


def living(rig):
    """The pods that nobody has asked to go."""
    return [p for p in rig.pods() if "deletionTimestamp" not in p["metadata"]]


def status(rig):
    return observed.fleet(rig.api.one(kube.FLEETS, "eu")).status


def test_the_first_player_who_waits_starts_a_server_from_zero(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    rig.settle()
    assert living(rig) == []
    rig.pass_s(2)
    hear(rig, 1)
    settle_planned(rig)
    assert len(living(rig)) == 1


def test_servers_stay_for_the_window_and_go_after_it(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    hear(rig, 6)
    rig.settle()
    rig.start_pods()
    rig.settle()
    assert len(living(rig)) == 3
    rig.pass_s(2)
    rig.pass_s(2)
    hear(rig, 0)
    rig.settle()
    for _ in range(5):
        rig.pass_s(WINDOW_S / 6)
        hear(rig, 0)
        rig.settle()
        assert len(living(rig)) == 3
    rig.pass_s(WINDOW_S / 6)
    assert living(rig) == []
    assert status(rig).desired_warm == 0


def test_a_restart_forgets_neither_the_number_nor_its_window(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    hear(rig, 6)
    rig.settle()
    rig.start_pods()
    rig.pass_s(5)
    rig.start()
    rig.settle()
    assert len(living(rig)) == 3
    assert "the queue depth is not known" in status(rig).scaling
    rig.pass_s(WINDOW_S - 5)
    assert len(living(rig)) == 3
    rig.pass_s(5)
    assert living(rig) == []


def test_a_queue_that_nobody_speaks_of_any_more_counts_as_empty_and_says_so(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE | {"scaleDownStabilizationSeconds": 0})
    hear(rig, 4)
    rig.settle()
    rig.start_pods()
    rig.pass_s(rig.rules.depth_stale_s - 1)
    assert len(living(rig)) == 2
    rig.pass_s(1)
    assert living(rig) == []
    assert "the queue depth is not known" in status(rig).scaling
    assert rig.plan(FleetKey(FleetName("eu"))).wake_at is None


def test_it_looks_again_when_what_it_heard_grows_old(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    hear(rig, 4)
    heard_at = rig.clock.now()
    rig.settle()
    wake_at = rig.plan(FleetKey(FleetName("eu"))).wake_at
    assert (wake_at - heard_at).total_seconds() <= rig.rules.depth_stale_s


def test_the_same_number_again_wakes_nobody(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    hear(rig, 4)
    rig.settle()
    hear(rig, 4)
    assert not rig.dirty
    hear(rig, 5)
    assert list(rig.dirty) == [FleetKey(FleetName("eu"))]


def test_a_peak_between_two_writes_starts_nothing(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE | {"scaleDownStabilizationSeconds": 0})
    rig.settle()
    hear(rig, 2)
    rig.settle()
    rig.pass_s(2)
    hear(rig, 2)
    rig.ready_match("m1")
    before = len(living(rig))
    hear(rig, 8)
    rig.settle()
    assert len(living(rig)) == before
    wake_at = rig.plan(FleetKey(FleetName("eu"))).wake_at
    assert (wake_at - rig.clock.now()).total_seconds() <= rig.rules.status_period_s
    hear(rig, 2)
    rig.pass_s(2)
    assert len(living(rig)) == before


def test_a_buffer_in_percent_follows_the_busy_ones(rig):
    rig.apply_fleet(warm=1, most=20, autoscale={"maxWarm": 9, "buffer": "50%"})
    rig.settle()
    for number in range(6):
        rig.pass_s(2)
        rig.ready_match(f"m{number}")
    rig.pass_s(2)
    rig.start_pods()
    rig.settle()
    assert status(rig).busy == 6
    assert status(rig).idle == 3
    assert status(rig).scaling == "3 idle servers for 50% of 6 busy servers"


def test_waiting_matches_come_on_top(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE | {"buffer": 1})
    rig.settle()
    rig.apply_match("m1")
    rig.apply_match("m2")
    rig.pass_s(2)
    assert len(living(rig)) == 3


def test_scaling_is_never_written_to_the_spec(rig):
    rig.apply_fleet(warm=1, autoscale=BY_QUEUE)
    before = rig.api.one(kube.FLEETS, "eu")["spec"]
    hear(rig, 9)
    rig.settle()
    assert rig.api.one(kube.FLEETS, "eu")["spec"] == before
    assert status(rig).desired_warm == 4


def test_a_condition_says_what_limits_it_and_goes_with_the_autoscaler(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    hear(rig, 20)
    rig.settle()
    told = conditions.find(status(rig).conditions, "ScalingLimited")
    assert (told.status, told.reason) == ("True", "AtMaxWarm")
    assert told.message == "10 idle servers are asked for and maxWarm is 4"
    rig.api.change(kube.FLEETS, "eu", {"spec": {"autoscale": None}})
    rig.pass_s(2)
    told = conditions.find(status(rig).conditions, "ScalingLimited")
    assert (told.status, told.reason) == ("False", "NotScaled")
    assert status(rig).desired_warm is None
    assert status(rig).recommendations == ()


def test_what_people_scale_to_is_the_floor(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    hear(rig, 2)
    rig.settle()
    assert len(living(rig)) == 1
    rig.pass_s(2)
    rig.api.change(kube.FLEETS, "eu", {"spec": {"warm": 6}})
    rig.settle()
    assert len(living(rig)) == 6
    assert status(rig).scaling.startswith("6 idle servers because of spec.warm")


def test_the_number_is_a_metric_while_there_is_such_a_fleet(rig):
    rig.apply_fleet(warm=0, autoscale=BY_QUEUE)
    hear(rig, 5)
    rig.settle()
    counts = Census(rig.cache)
    counts.take()
    name = "matchfleet_operator_fleet_desired_warm"
    assert REGISTRY.get_sample_value(name, {"fleet": "eu"}) == 3
    rig.api.begin_deletion(kube.FLEETS, "eu")
    rig.settle()
    counts.take()
    assert REGISTRY.get_sample_value(name, {"fleet": "eu"}) is None
