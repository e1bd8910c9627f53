"""Rollouts, from a changed template to the last idle server, against an API server in memory."""

import dataclasses
from typing import Any

import msgspec
import pytest

from matchfleet_contracts import results
from matchfleet_contracts.resources import Reason
from matchfleet_operator.acting import kube
from matchfleet_operator.planning import conditions, rollout, supply
from matchfleet_operator.planning.rollout import Course, Stage
from matchfleet_operator.planning.seen import RevisionStatus, Strategy
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.rig import Rig

QUICK = {
    "canaryMatches": 2,
    "progressDeadlineSeconds": 30,
    "lateTickPercent": 20,
}


def a_template(image: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "game", "image": image}]}}


def a_rig(*, warm: int = 2, most: int = 10, **spec: Any) -> Rig:
    """A Fleet whose first revision works and is proven."""
    rig = Rig()
    strategy = QUICK | spec.pop("strategy", {})
    rig.apply_fleet(warm=warm, most=most, strategy=strategy, **spec)
    run(rig)
    for number in range(2):
        rig.apply_match(f"old{number}")
        run(rig)
        finish(rig, f"old{number}")
    run(rig)
    assert fleet(rig)["status"]["revisions"][0]["proven"]
    return rig


def run(rig: Rig, seconds: float = 2) -> None:
    """What starts becomes ready, what was told to stop stops, until nothing moves."""
    for _ in range(8):
        rig.settle()
        rig.start_pods()
        for pod in rig.pods():
            if "deletionTimestamp" in pod["metadata"]:
                rig.api.end_pod(pod["metadata"]["name"], exit_code=143, reason="Error")
        rig.pass_s(seconds)


def fleet(rig: Rig) -> dict[str, Any]:
    return rig.api.one(kube.FLEETS, "eu")


def change(rig: Rig, image: str = "g:2", **spec: Any) -> None:
    rig.api.change(kube.FLEETS, "eu", {"spec": {"template": a_template(image)} | spec})


def finish(rig: Rig, name: str, *, late: bool = False) -> None:
    uid = rig.match(name)["metadata"]["uid"]
    result = builders.a_result("x", match_uid=uid, late_ticks=600 if late else 2)
    rig.api.end_pod(rig.server_of(name), message=results.encode(result).decode())


def images(rig: Rig, *, busy: bool | None = None) -> list[str]:
    return sorted(
        p["spec"]["containers"][0]["image"]
        for p in rig.pods()
        if "deletionTimestamp" not in p["metadata"]
        and (busy is None or (p["metadata"]["labels"]["matchfleet.dev/state"] == "busy") == busy)
    )


def condition(rig: Rig, kind: str) -> dict[str, Any]:
    return next(c for c in fleet(rig)["status"]["conditions"] if c["type"] == kind)


def fail_starting(rig: Rig, image: str) -> None:
    """The image of these servers does not exist."""
    state = {"name": "game", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    for pod in rig.pods():
        if pod["spec"]["containers"][0]["image"] == image and pod["status"]["phase"] == "Pending":
            status = {"status": {"containerStatuses": [state]}}
            rig.api.change(kube.PODS, pod["metadata"]["name"], status)


def crash(rig: Rig, image: str) -> int:
    """Servers of this image exit as soon as they start."""
    crashed = 0
    for pod in rig.pods():
        name = pod["metadata"]["name"]
        is_old = pod["status"]["phase"] in {"Failed", "Succeeded"}
        if pod["spec"]["containers"][0]["image"] == image and not is_old:
            rig.api.end_pod(name, exit_code=1, reason="Error")
            crashed += 1
    return crashed


# ---- the way forward


def test_idle_servers_are_replaced_as_new_ones_come_and_busy_ones_finish():
    rig = a_rig(warm=2)
    rig.ready_match("live")
    run(rig)
    change(rig)
    idle = []
    for _ in range(12):
        rig.settle()
        idle.append(fleet(rig)["status"]["idle"])
        run(rig, seconds=1)
    assert min(idle) >= 2
    assert images(rig, busy=False) == ["g:2", "g:2"]
    assert images(rig, busy=True) == ["g:1"]
    assert rig.phase("live") == "Ready"
    assert condition(rig, "Progressing")["reason"] == "NothingToDo"
    finish(rig, "live")
    run(rig)
    assert rig.phase("live") == "Completed"
    assert images(rig) == ["g:2", "g:2"]


def test_a_rollout_with_70_percent_busy_in_a_full_fleet_neither_stalls_nor_ends_a_match():
    rig = a_rig(warm=3, most=10)
    for number in range(7):
        rig.apply_match(f"live{number}")
        run(rig)
    assert (fleet(rig)["status"]["busy"], fleet(rig)["status"]["idle"]) == (7, 3)
    change(rig)
    for _ in range(4):
        run(rig)
    assert images(rig, busy=False) == ["g:2"] * 3
    assert {rig.phase(f"live{n}") for n in range(7)} == {"Ready"}
    assert len(rig.pods()) <= 10
    for number in range(7):
        finish(rig, f"live{number}")
    run(rig)
    assert {rig.phase(f"live{n}") for n in range(7)} == {"Completed"}
    assert images(rig) == ["g:2"] * 3


def test_a_fleet_that_is_all_busy_waits_with_its_rollout_and_its_deadline():
    rig = a_rig(warm=1, most=2)
    for number in range(2):
        rig.apply_match(f"live{number}")
        run(rig)
    change(rig)
    run(rig, seconds=20)
    assert fleet(rig)["status"].get("blockedRevision") is None
    finish(rig, "live0")
    run(rig)
    assert images(rig, busy=False) == ["g:2"]


def test_a_new_revision_starts_one_server_before_it_is_trusted_with_more():
    rig = a_rig(warm=4)
    change(rig)
    rig.settle()
    assert images(rig) == ["g:1"] * 4 + ["g:2"]
    assert condition(rig, "Progressing")["reason"] == "NewRevisionStarting"
    run(rig)
    assert images(rig) == ["g:2"] * 4


def test_a_canary_gets_its_share_until_enough_of_its_matches_ended_well():
    rig = a_rig(warm=4, strategy={"canaryPercent": 25})
    change(rig)
    run(rig)
    assert images(rig) == ["g:1"] * 3 + ["g:2"]
    assert condition(rig, "Progressing")["reason"] == "CanaryPlaying"
    played = 0
    for number in range(20):
        rig.apply_match(f"m{number}")
        run(rig)
        played += rig.match(f"m{number}")["status"]["server"]["revision"] == revision(rig, 2)
        finish(rig, f"m{number}")
        run(rig)
        if played == 2:
            break
        assert images(rig, busy=False) == ["g:1"] * 3 + ["g:2"]
    assert number >= 3, "the canary got more than its share of the matches"
    assert images(rig) == ["g:2"] * 4
    assert condition(rig, "Progressing")["status"] == "False"


def revision(rig: Rig, number: int) -> str:
    told = {r["number"]: r["revision"] for r in fleet(rig)["status"]["revisions"]}
    return str(told[number])


def test_three_revisions_are_kept_with_what_servers_were_made_from():
    rig = a_rig(warm=1)
    for number in range(2, 6):
        change(rig, f"g:{number}")
        run(rig)
    kept = rig.api.everything(kube.CONTROLLER_REVISIONS)
    told = {r["revision"]: r["data"]["template"]["spec"]["containers"][0]["image"] for r in kept}
    assert told == {3: "g:3", 4: "g:4", 5: "g:5"}
    assert all(r["metadata"]["ownerReferences"][0]["name"] == "eu" for r in kept)


def test_going_back_to_an_older_template_makes_its_revision_the_newest_again():
    rig = a_rig(warm=1)
    first = fleet(rig)["status"]["revision"]
    change(rig)
    run(rig)
    change(rig, "g:1")
    run(rig)
    assert fleet(rig)["status"]["revision"] == first
    numbers = {
        r["metadata"]["name"]: r["revision"] for r in rig.api.everything(kube.CONTROLLER_REVISIONS)
    }
    assert numbers[f"eu-{first}"] == 3
    assert images(rig) == ["g:1"]


def test_a_fleet_made_anew_under_its_old_name_keeps_nothing_of_the_one_before():
    rig = a_rig(warm=1)
    before = rig.api.everything(kube.CONTROLLER_REVISIONS)[0]["metadata"]["uid"]
    rig.api.begin_deletion(kube.FLEETS, "eu")
    run(rig)
    rig.apply_fleet(warm=1)
    run(rig)
    (kept,) = rig.api.everything(kube.CONTROLLER_REVISIONS)
    assert kept["metadata"]["uid"] != before
    assert images(rig) == ["g:1"]


# ---- the way back


def test_an_image_that_does_not_exist_costs_no_idle_server_and_is_given_up_at_its_deadline():
    rig = a_rig(warm=3)
    good = fleet(rig)["status"]["revision"]
    change(rig, "missing:1")
    for _ in range(34):
        fail_starting(rig, "missing:1")
        rig.pass_s(1)
        assert fleet(rig)["status"]["idle"] == 3
    told = fleet(rig)["status"]
    assert told["revision"] == good
    assert told["blockedRevision"] == revision(rig, 2)
    degraded = condition(rig, "Degraded")
    assert (degraded["status"], degraded["reason"]) == ("True", "ProgressDeadlineExceeded")
    assert "none of its servers became ready within 30 s" in degraded["message"]
    progressing = condition(rig, "Progressing")
    assert (progressing["status"], progressing["reason"]) == ("False", "ProgressDeadlineExceeded")
    assert "ProgressDeadlineExceeded" in [e.reason for e in rig.emitted if e.about.name == "eu"]
    run(rig)
    assert images(rig) == ["g:1"] * 3


def test_matches_are_served_while_a_bad_revision_is_tried():
    rig = a_rig(warm=1)
    change(rig, "missing:1")
    for number in range(3):
        rig.settle()
        fail_starting(rig, "missing:1")
        rig.apply_match(f"m{number}")
        rig.settle()
        assert rig.phase(f"m{number}") == "Ready"
        for pod in rig.pods():
            is_good = pod["spec"]["containers"][0]["image"] == "g:1"
            if is_good and pod["status"]["phase"] == "Pending":
                rig.api.run_pod(pod["metadata"]["name"])
        rig.settle()
    assert not supply.is_stuck(rig.cache.fleets["eu"])


def test_a_revision_that_crashes_spends_its_budget_and_is_given_up():
    patience = {"progressDeadlineSeconds": 600}
    budget = {"count": 3, "windowSeconds": 600}
    rig = a_rig(warm=2, crashBudget=budget, strategy=patience)
    good = fleet(rig)["status"]["revision"]
    change(rig, "bad:1")
    crashes = 0
    for _ in range(120):
        rig.settle()
        crashes += crash(rig, "bad:1")
        rig.pass_s(1)
        if fleet(rig)["status"].get("blockedRevision"):
            break
    assert crashes == 3
    told = condition(rig, "Degraded")
    assert (told["status"], told["reason"]) == ("True", "CrashBudgetSpent")
    assert "3 of its servers crashed within 600 s" in told["message"]
    assert "CrashBudgetSpent" in [e.reason for e in rig.emitted]
    run(rig)
    assert images(rig) == ["g:1"] * 2
    assert fleet(rig)["status"]["revision"] == good
    # Whoever starts again decides the same, hours later.
    rig.start()
    rig.clock.pass_s(7200)
    run(rig)
    assert images(rig) == ["g:1"] * 2
    assert fleet(rig)["status"]["blockedRevision"]


def test_a_revision_whose_matches_tick_late_is_given_up_and_its_live_ones_finish():
    rig = a_rig(warm=2)
    change(rig)
    run(rig)
    rig.ready_match("live")
    for number in range(2):
        rig.apply_match(f"late{number}")
        run(rig)
        finish(rig, f"late{number}", late=True)
        run(rig)
    assert condition(rig, "Degraded")["reason"] == "LateTicks"
    assert "2 of its 2 matches had 20 % or more" in condition(rig, "Degraded")["message"]
    assert images(rig, busy=False) == ["g:1"] * 2
    assert images(rig, busy=True) == ["g:2"]
    finish(rig, "live")
    run(rig)
    assert rig.phase("live") == "Completed"


def test_a_blocked_revision_stays_blocked_until_the_spec_changes():
    rig = a_rig(warm=1, crashBudget={"count": 1})
    change(rig, "bad:1")
    rig.settle()
    crash(rig, "bad:1")
    run(rig)
    assert fleet(rig)["status"]["blockedRevision"]
    rig.api.change(kube.FLEETS, "eu", {"spec": {"warm": 2}})
    run(rig)
    assert images(rig) == ["g:1"] * 2, "another number is no other template"
    change(rig, "g:3")
    run(rig)
    assert images(rig) == ["g:3"] * 2
    assert "blockedRevision" not in fleet(rig)["status"]
    assert condition(rig, "Degraded")["status"] == "False"
    # The bad one may be asked for again, and is tried again, starting from nothing.
    change(rig, "bad:1")
    rig.settle()
    assert images(rig) == ["bad:1", "g:3", "g:3"]
    assert fleet(rig)["status"]["revisions"][0]["number"] == 4


def test_a_rollback_can_be_forbidden_and_the_bad_revision_is_frozen_then():
    rig = a_rig(warm=2, crashBudget={"count": 2}, strategy={"autoRollback": False})
    change(rig, "bad:1")
    for _ in range(60):
        rig.settle()
        crash(rig, "bad:1")
        rig.pass_s(1)
    assert "blockedRevision" not in fleet(rig)["status"]
    assert condition(rig, "Degraded")["reason"] in {"CrashBudgetSpent", "NewRevisionCannotStart"}
    assert images(rig).count("g:1") == 2, "the older revision supplies until the new one works"


def test_a_first_revision_that_crashes_is_frozen_for_its_window_and_says_so():
    rig = Rig()
    rig.apply_fleet(warm=4, crashBudget={"count": 3, "windowSeconds": 60})
    rig.apply_match()
    crashes = [0, 0]
    for second in range(100):
        rig.settle()
        crashes[second >= 59] += crash(rig, "g:1")
        if second == 30:
            told = condition(rig, "Degraded")
            assert (told["status"], told["reason"]) == ("True", "CrashBudgetSpent")
            assert supply.is_stuck(rig.cache.fleets["eu"])
        rig.pass_s(1)
    assert crashes[0] <= 5, "those of the first pass, and no more"
    assert crashes[1] > 0, "and it is tried again when the window is over"


def test_a_crash_is_counted_once_however_often_it_is_seen():
    rig = Rig()
    rig.apply_fleet(warm=1, crashBudget={"count": 3})
    rig.settle()
    crash(rig, "g:1")
    for _ in range(5):
        rig.pass_s(1)
        rig.start()
        rig.settle()
    assert len(fleet(rig)["status"]["revisions"][0]["crashes"]) == 1


def test_a_match_is_counted_once_though_the_operator_starts_again_and_its_pod_is_gone_at_once():
    rig = Rig()
    rig.apply_fleet(warm=1, strategy={"canaryMatches": 5})
    run(rig)
    rig.apply_match(ttlSecondsAfterFinished=0)
    run(rig)
    finish(rig, "m1")
    rig.settle()
    rig.pass_s(2)
    for _ in range(3):
        rig.start()
        rig.pass_s(2)
    assert fleet(rig)["status"]["revisions"][0]["played"] == 1


def test_servers_that_are_told_to_stop_or_lose_their_node_do_not_crash():
    rig = Rig()
    rig.apply_fleet(warm=2, crashBudget={"count": 1})
    run(rig)
    names = [p["metadata"]["name"] for p in rig.pods()]
    rig.api.begin_deletion(kube.PODS, names[0])
    rig.api.change(kube.PODS, names[1], {"status": {"reason": "Evicted"}})
    for name in names:
        rig.api.end_pod(name, exit_code=143, reason="Error")
    run(rig)
    assert fleet(rig)["status"]["revisions"][0]["crashes"] == []
    assert fleet(rig)["status"]["idle"] == 2


# ---- shares

STARTING = Stage.STARTING


@pytest.mark.parametrize(
    ("stage", "percent", "wanted", "capacity", "shares"),
    [
        pytest.param(Stage.ALONE, 10, 5, 9, {"r2": 5}, id="alone"),
        pytest.param(Stage.FULL, 100, 5, 3, {"r2": 3}, id="full, bounded by max"),
        pytest.param(STARTING, 50, 4, 9, {"r2": 1, "r1": 4}, id="starting: one on top"),
        pytest.param(STARTING, 50, 4, 4, {"r2": 1, "r1": 3}, id="starting in a full fleet"),
        pytest.param(STARTING, 50, 0, 9, {"r2": 0, "r1": 0}, id="starting, none wanted"),
        pytest.param(Stage.CANARY, 10, 10, 10, {"r2": 1, "r1": 9}, id="canary"),
        pytest.param(Stage.CANARY, 25, 10, 10, {"r2": 3, "r1": 7}, id="canary, rounded up"),
        pytest.param(Stage.CANARY, 1, 1, 10, {"r2": 1, "r1": 0}, id="canary, at least one"),
        pytest.param(Stage.CANARY, 50, 4, 0, {"r2": 0, "r1": 0}, id="canary, no room"),
        pytest.param(Stage.GIVEN_UP, 10, 5, 9, {"r1": 5}, id="given up"),
    ],
)
def test_each_stage_says_how_many_idle_servers_are_of_which_revision(
    stage, percent, wanted, capacity, shares
):
    older = builders.a_fleet()
    newer = builders.a_fleet(revision="r2", strategy=Strategy(canary_percent=percent))
    course = Course(
        wanted=newer,
        fallback=older,
        stage=stage,
        known={r: RevisionStatus(revision=r, number=n) for n, r in enumerate(("r1", "r2"))},
    )
    assert course.shares(wanted, capacity) == shares
    assert sum(shares.values()) <= capacity
    assert set(shares) == set(course.makes)


def test_a_fleet_that_rolled_back_is_degraded_but_serves():
    told = conditions.merged(
        (),
        conditions.Said(
            supply.DEGRADED, status=True, reason=rollout.CRASH_BUDGET_SPENT, message="x"
        ),
        now=builders.START,
    )
    frozen = builders.a_fleet(
        status=dataclasses.replace(builders.a_fleet().status, conditions=told)
    )
    back = dataclasses.replace(
        frozen, status=dataclasses.replace(frozen.status, blocked_revision="r1")
    )
    assert supply.is_stuck(frozen)
    assert not supply.is_stuck(back)


def test_a_void_match_says_nothing_of_its_revision_unless_the_game_failed():
    rig = Rig()
    rig.apply_fleet(warm=1, crashBudget={"count": 5})
    run(rig)
    for number, reason in enumerate((Reason.JOIN_TIMEOUT, Reason.GAME_FAILED, Reason.TICK_STALLED)):
        rig.apply_match(f"m{number}")
        run(rig)
        uid = rig.match(f"m{number}")["metadata"]["uid"]
        void = msgspec.structs.replace(builders.a_void_result(reason), match_uid=uid)
        rig.api.end_pod(rig.server_of(f"m{number}"), message=results.encode(void).decode())
        run(rig)
    (told,) = fleet(rig)["status"]["revisions"]
    assert (told["played"], len(told["crashes"])) == (0, 2)
