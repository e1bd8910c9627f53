"""One Fleet: which server plays which Match, and how many servers there are."""

import dataclasses

import pytest

from matchfleet_contracts.ids import PodName, PodUid
from matchfleet_contracts.resources import Desired, ExposeType, Phase
from matchfleet_operator.planning import actions, conditions, plan_fleet, routing, supply
from matchfleet_operator.planning.rules import Rules
from matchfleet_operator.planning.seen import Expose, GoneFleet, HostRange, Terminated
from matchfleet_operator.planning.servers import Refusal, Surroundings
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at

RULES = Rules()
SOON = at(5)


def counting():
    drawn = iter(range(10_000))
    return lambda below: next(drawn) % below


def plan(fleet, pods=(), waiting=(), *, now=SOON, rules=RULES, **around):
    return plan_fleet.plan_fleet(
        fleet,
        pods,
        waiting,
        around=Surroundings(**around),
        now=now,
        rules=rules,
        pick=counting(),
    )


def of(steps: actions.Plan, kind: type) -> list:
    return [a for a in steps.actions if isinstance(a, kind)]


def status(steps: actions.Plan):
    (write,) = of(steps, actions.PatchFleetStatus)
    return write.status


def condition(steps: actions.Plan, kind: str):
    return conditions.find(status(steps).conditions, kind)


def matches(count: int, **changes):
    return [builders.a_match(f"m{n}", created=at(n / 10), **changes) for n in range(count)]


def idle(count: int, **changes):
    return [builders.a_pod(f"p{n}", **changes) for n in range(count)]


# ---- claims


def test_the_oldest_match_gets_the_oldest_server_and_no_two_share_one():
    pods = [builders.a_pod("young", created=at(2)), builders.a_pod("old", created=at(1))]
    claims = of(plan(builders.a_fleet(), pods, matches(3)), actions.PatchMatchStatus)
    assert [(c.match.name, c.status.server.pod) for c in claims] == [("m0", "old"), ("m1", "young")]
    assert {c.status.phase for c in claims} == {Phase.ASSIGNED}
    assert claims[0].status.players == "2 bots"


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(builders.a_pod(ready=False), id="not ready"),
        pytest.param(builders.a_pod(deletion_due=at(9)), id="being deleted"),
        pytest.param(builders.a_claimed_pod(), id="claimed"),
        pytest.param(builders.a_pod(fleet_uid="uid-before"), id="of a fleet before this one"),
        pytest.param(builders.a_pod(ip=""), id="without an address"),
    ],
)
def test_only_idle_servers_are_chosen(pod):
    assert not of(plan(builders.a_fleet(), [pod], matches(1)), actions.PatchMatchStatus)


def test_a_server_that_a_match_chose_already_is_not_chosen_again():
    steps = plan(builders.a_fleet(), idle(1), matches(1), reserved={PodUid("uid-p0")})
    assert not of(steps, actions.PatchMatchStatus)
    assert not of(steps, actions.DeletePod)


@pytest.mark.parametrize(
    ("change", "now"),
    [
        pytest.param({"spec": builders.a_spec(desired=Desired.CANCEL)}, at(5), id="cancelled"),
        pytest.param({"deleting": True}, at(5), id="deleted"),
        pytest.param(
            {"spec": builders.a_spec(not_after="2026-05-04T12:00:04Z")}, at(5), id="too late"
        ),
        pytest.param({}, at(60), id="past its deadline"),
    ],
)
def test_a_match_that_must_not_start_gets_no_server_and_starts_none(change, now):
    steps = plan(builders.a_fleet(), idle(1), [builders.a_match(**change)], now=now)
    assert not of(steps, actions.PatchMatchStatus)
    assert not of(steps, actions.CreatePod)


# ---- how many


@pytest.mark.parametrize(
    ("warm", "waiting", "ready", "starting", "busy", "created", "deleted"),
    [
        pytest.param(0, 0, 0, 0, 0, 0, 0, id="nothing wanted"),
        pytest.param(2, 0, 0, 0, 0, 2, 0, id="warm"),
        pytest.param(0, 1, 0, 0, 0, 1, 0, id="cold start"),
        pytest.param(0, 1, 0, 1, 0, 0, 0, id="cold start under way"),
        pytest.param(2, 3, 2, 0, 0, 3, 0, id="claims leave warm servers to be made again"),
        pytest.param(2, 0, 2, 0, 5, 0, 0, id="busy ones are another number"),
        pytest.param(2, 0, 2, 0, 9, 0, 1, id="above max, which was lowered"),
        pytest.param(5, 0, 1, 0, 7, 2, 0, id="up to max"),
        pytest.param(1, 0, 3, 0, 0, 0, 2, id="too many idle"),
        pytest.param(0, 0, 1, 2, 3, 0, 3, id="scaled to nothing"),
    ],
)
def test_idle_servers_wanted_are_warm_and_one_for_each_waiting_match_within_max(
    warm, waiting, ready, starting, busy, created, deleted
):
    pods = [
        *idle(ready),
        *(builders.a_pod(f"s{n}", ready=False, phase="Pending") for n in range(starting)),
        *(builders.a_claimed_pod(f"b{n}", match=f"x{n}") for n in range(busy)),
    ]
    steps = plan(builders.a_fleet(warm=warm), pods, matches(waiting))
    assert len(of(steps, actions.CreatePod)) == created
    assert len(of(steps, actions.DeletePod)) == deleted


def test_surplus_servers_that_start_go_before_idle_ones():
    pods = [builders.a_pod("ready"), builders.a_pod("starting", ready=False)]
    (gone,) = of(plan(builders.a_fleet(warm=1), pods), actions.DeletePod)
    assert gone.pod.name == "starting"
    assert gone.version == gone.pod.version


def test_creations_are_paced_by_the_budget():
    steps = plan(builders.a_fleet(warm=50, max=100), rules=Rules(creates=4))
    assert len(of(steps, actions.CreatePod)) == 4


def test_no_server_is_created_while_the_answer_to_the_last_creation_is_unknown():
    steps = plan(builders.a_fleet(warm=1), uncertain=(PodName("eu-x"),))
    assert steps.actions == (actions.LookAtPod(name=PodName("eu-x")),)


HOST_PORTS = Expose(
    type=ExposeType.HOST_PORT, host_ports=(HostRange(name="games", first=7000, last=7003),)
)


def test_a_new_server_takes_a_node_port_that_no_other_server_has():
    fleet = builders.a_fleet(warm=3, expose=HOST_PORTS)
    steps = plan(fleet, ports_taken={7001, 9000})
    assert {c.host_ports for c in of(steps, actions.CreatePod)} == {(7000,), (7002,), (7003,)}


def test_a_fleet_without_a_free_node_port_says_so():
    fleet = builders.a_fleet(warm=2, expose=HOST_PORTS)
    steps = plan(fleet, ports_taken={7000, 7001, 7002})
    assert len(of(steps, actions.CreatePod)) == 1
    limited = condition(steps, supply.CAPACITY_LIMITED)
    assert (limited.status, limited.reason) == ("True", "NoFreePort")
    assert "from 7000 to 7003 (games)" in limited.message


def test_a_fleet_at_max_says_so():
    pods = [builders.a_claimed_pod(f"b{n}", match=f"x{n}") for n in range(10)]
    limited = condition(plan(builders.a_fleet(), pods, matches(1)), supply.CAPACITY_LIMITED)
    assert (limited.status, limited.reason) == ("True", "AtMax")


def test_a_server_whose_match_is_over_leaves_room_for_another():
    ended = [builders.an_ended_pod(name=PodName("b0"), uid=PodUid("u0"))]
    steps = plan(builders.a_fleet(max=1), ended, matches(1))
    assert len(of(steps, actions.CreatePod)) == 1


# ---- servers that do not start

BROKEN = "ImagePullBackOff: no such image"


def broken(count=1, *, attempt=0, created=builders.START):
    return [
        builders.a_pod(
            f"x{n}", ready=False, phase="Pending", trouble=BROKEN, attempt=attempt, created=created
        )
        for n in range(count)
    ]


def test_a_server_that_does_not_start_keeps_its_place_and_the_fleet_says_why():
    steps = plan(builders.a_fleet(warm=1), broken(), now=at(5))
    assert not of(steps, actions.CreatePod)
    assert not of(steps, actions.DeletePod)
    degraded = condition(steps, supply.DEGRADED)
    assert (degraded.status, degraded.reason) == ("True", "CannotStart")
    assert BROKEN in degraded.message
    assert [e.reason for e in of(steps, actions.EmitEvent)] == ["CannotStart"]
    assert steps.wake_at == at(10)


@pytest.mark.parametrize(("attempt", "pause_s"), [(0, 10), (1, 20), (3, 80), (9, 300)])
def test_a_server_that_does_not_start_is_replaced_later_each_time(attempt, pause_s):
    fleet = builders.a_fleet(warm=1)
    early = plan(fleet, broken(attempt=attempt), now=at(pause_s - 1))
    assert not of(early, actions.CreatePod)
    steps = plan(fleet, broken(attempt=attempt), now=at(pause_s))
    assert [d.pod.name for d in of(steps, actions.DeletePod)] == ["x0"]
    assert [c.attempt for c in of(steps, actions.CreatePod)] == [attempt + 1]


def test_many_waiting_matches_do_not_multiply_servers_that_do_not_start():
    steps = plan(builders.a_fleet(), broken(), matches(9), now=at(10))
    assert len(of(steps, actions.CreatePod)) == 1


def test_a_fleet_stays_degraded_until_a_replacement_has_shown_that_it_starts():
    fleet = builders.a_fleet(warm=1)
    worse = dataclasses.replace(fleet, status=status(plan(fleet, broken())))
    again = [builders.a_pod("again", ready=False, attempt=1)]
    still = plan(worse, again, matches(3))
    assert not of(still, actions.CreatePod)
    assert condition(still, supply.DEGRADED).status == "True"
    well = plan(worse, [builders.a_pod("again", attempt=1)])
    assert condition(well, supply.DEGRADED).status == "False"


def test_a_corrected_template_replaces_broken_servers_at_once():
    steps = plan(builders.a_fleet(warm=1, revision="r2"), broken(attempt=9), now=at(1))
    assert [c.attempt for c in of(steps, actions.CreatePod)] == [0]
    assert len(of(steps, actions.DeletePod)) == 1


def test_a_server_that_takes_too_long_is_in_trouble():
    slow = builders.a_pod(ready=False, message="0/2 nodes are available: insufficient cpu")
    steps = plan(builders.a_fleet(warm=1), [slow], now=at(RULES.start_s))
    assert "insufficient cpu" in condition(steps, supply.DEGRADED).message


def test_a_warm_server_that_worked_for_long_and_crashed_is_replaced_at_once():
    crashed = builders.a_pod(
        ready=False,
        phase="Failed",
        trouble="exited with code 1",
        terminated=Terminated(exit_code=1, reason="Error", message="", at=at(5000)),
        attempt=4,
    )
    steps = plan(builders.a_fleet(warm=1), [crashed], now=at(5001))
    assert [c.attempt for c in of(steps, actions.CreatePod)] == [0]


def test_creations_that_the_api_server_refuses_pause_and_are_told():
    refusal = Refusal(message="exceeded quota", count=1, until=at(20))
    steps = plan(builders.a_fleet(warm=2), refusal=refusal)
    assert not of(steps, actions.CreatePod)
    assert steps.wake_at == at(20)
    degraded = condition(steps, supply.DEGRADED)
    assert (degraded.reason, degraded.status) == ("CreateRefused", "True")
    assert "quota" in degraded.message
    assert len(of(plan(builders.a_fleet(warm=2), refusal=refusal, now=at(20)), actions.CreatePod))


# ---- templates that change


def test_idle_servers_of_an_older_template_go_as_new_ones_come():
    fleet = builders.a_fleet(warm=2, revision="r2")
    first = plan(fleet, idle(2))
    assert len(of(first, actions.CreatePod)) == 2
    assert not of(first, actions.DeletePod)
    new = [builders.a_pod("n0", revision="r2"), builders.a_pod("n1", revision="r2", ready=False)]
    second = plan(fleet, [*idle(2), *new])
    assert not of(second, actions.CreatePod)
    assert [d.pod.name for d in of(second, actions.DeletePod)] == ["p0"]


def test_a_full_fleet_makes_room_for_a_new_template_one_by_one():
    fleet = builders.a_fleet(warm=2, max=2, revision="r2")
    steps = plan(fleet, idle(2))
    assert not of(steps, actions.CreatePod)
    assert len(of(steps, actions.DeletePod)) == 1


def test_busy_servers_of_an_older_template_finish():
    fleet = builders.a_fleet(warm=0, revision="r2")
    assert not of(plan(fleet, [builders.a_claimed_pod()]), actions.DeletePod)


# ---- the end of a fleet


@pytest.mark.parametrize(
    "fleet", [GoneFleet(name="eu"), builders.a_fleet(deleting=True, warm=3)], ids=["gone", "going"]
)
def test_a_deleted_fleet_removes_idle_servers_and_lets_busy_ones_finish(fleet):
    reserved = builders.a_pod("reserved")
    pods = [builders.a_pod("idle"), builders.a_claimed_pod("busy"), reserved]
    steps = plan(fleet, pods, matches(1), reserved={reserved.uid})
    assert [d.pod.name for d in of(steps, actions.DeletePod)] == ["idle"]
    assert len(steps.actions) == 1


@pytest.mark.parametrize("why", ["namespace_ending", "closing"])
def test_nothing_begins_when_everything_ends(why):
    steps = plan(builders.a_fleet(warm=2), idle(1), matches(1), **{why: True})
    assert steps.actions == ()


# ---- status


def test_status_counts_idle_and_busy_apart_as_they_will_be_after_the_pass():
    pods = [*idle(2), builders.a_claimed_pod("b"), builders.a_pod("s", ready=False)]
    found = status(plan(builders.a_fleet(warm=3), pods, matches(1)))
    assert (found.idle, found.starting, found.busy, found.waiting) == (1, 2, 2, 0)
    assert found.selector == "matchfleet.dev/fleet=eu,matchfleet.dev/state=idle"


def test_status_is_written_only_when_it_changed_and_not_too_often():
    fleet = builders.a_fleet()
    settled = dataclasses.replace(fleet, status=status(plan(fleet)))
    kept = (builders.a_revision(),)
    assert plan(settled, now=at(50), revisions=kept).actions == ()
    again = plan(fleet, now=at(5), status_written_at=at(4.5), revisions=kept)
    assert (again.actions, again.wake_at) == ((), at(5.5))


# ---- which fleet a match turns to

ROOMS = {
    "full": routing.Room(game="airhockey", idle=0, can_grow=False),
    "growing": routing.Room(game="airhockey", idle=0, can_grow=True),
    "idle": routing.Room(game="airhockey", idle=1, can_grow=True),
    "other": routing.Room(game="chess", idle=5, can_grow=True),
}


@pytest.mark.parametrize(
    ("fleets", "turns_to"),
    [
        (["growing", "idle"], "idle"),
        (["full", "growing"], "growing"),
        (["full", "missing"], "full"),
        (["other", "full"], "full"),
        (["other"], None),
        (["missing"], None),
    ],
    ids=str,
)
def test_a_match_turns_to_the_first_fleet_that_can_serve_it(fleets, turns_to):
    match = builders.a_match(spec=builders.a_spec(fleets=fleets))
    routed = routing.by_fleet([match], ROOMS)
    assert [name for name, found in routed.items() if found] == ([turns_to] if turns_to else [])


def test_an_idle_server_draws_one_match_only():
    both = matches(2, spec=builders.a_spec(fleets=["idle", "growing"]))
    rooms = ROOMS | {"idle": routing.Room(game="airhockey", idle=1, can_grow=False)}
    routed = routing.by_fleet(both, rooms)
    assert [m.name for m in routed["idle"]] == ["m0"]
    assert [m.name for m in routed["growing"]] == ["m1"]
