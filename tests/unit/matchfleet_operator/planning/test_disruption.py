"""Servers on nodes that are being emptied: replaced while idle, given their time while busy."""

import dataclasses
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_contracts.resources import Reason
from matchfleet_operator.acting import kube, manifests
from matchfleet_operator.planning import disruption, ends
from matchfleet_operator.planning.actions import ClaimPod
from matchfleet_operator.planning.seen import Cordon, Disruption, Evict, NodeSeen
from matchfleet_operator.planning.servers import Servers
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at
from matchfleet_operator.testing.rig import Rig

GRACE = {"disruption": {"graceSeconds": 60}, "drainSeconds": 15}
DRAIN = disruption.Drain(node="n1", why="cordoned", since=at(0), grace_s=60)


def placed(rig: Rig) -> None:
    """The scheduler puts every pod on the first node that takes servers."""
    free = next(n for n in ("n1", "n2", "n3") if n not in rig.nodes.cordoned)
    for pod in rig.pods():
        if "nodeName" not in pod["spec"]:
            rig.api.change(kube.PODS, pod["metadata"]["name"], {"spec": {"nodeName": free}})
    rig.start_pods()
    rig.settle()


def idle_on(rig: Rig) -> list[str]:
    """The nodes of the servers that a Match could have."""
    return sorted(
        pod["spec"]["nodeName"]
        for pod in rig.pods()
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    )


def ready_on_n1(**spec) -> Rig:
    rig = Rig()
    rig.read_nodes(n1=None, n2=None)
    rig.apply_fleet(**({"warm": 1} | GRACE | spec))
    rig.settle()
    placed(rig)
    rig.apply_match()
    rig.settle()
    placed(rig)
    assert rig.phase() == "Ready"
    return rig


# ---- idle servers


def test_idle_servers_on_a_cordoned_node_are_replaced_elsewhere_the_new_before_the_old():
    rig = Rig()
    rig.read_nodes(n1=None, n2=None)
    rig.apply_fleet(warm=2)
    rig.settle()
    placed(rig)
    assert idle_on(rig) == ["n1", "n1"]
    rig.read_nodes(n1=rig.clock.now(), n2=None)
    rig.settle()
    assert len(rig.pods()) == 4, "the replacements start while the old still run"
    placed(rig)
    assert idle_on(rig) == ["n2", "n2"]


def test_without_a_node_to_go_to_they_stay_and_serve_again_once_it_is_uncordoned():
    rig = Rig()
    rig.read_nodes(n1=None)
    rig.apply_fleet(warm=2)
    rig.settle()
    placed(rig)
    rig.read_nodes(n1=rig.clock.now())
    rig.settle()
    assert idle_on(rig) == ["n1", "n1"]
    rig.read_nodes(n1=None)
    rig.pass_s(2)
    assert idle_on(rig) == ["n1", "n1"]
    assert rig.cache.fleets["eu"].status.idle == 2
    staying = [p for p in rig.pods() if "deletionTimestamp" not in p["metadata"]]
    assert len(staying) == 2, "the replacements that could not start go"


def test_a_match_is_not_given_a_server_on_a_cordoned_node():
    rig = Rig()
    rig.read_nodes(n1=None, n2=None)
    rig.apply_fleet(warm=1)
    rig.settle()
    placed(rig)
    rig.read_nodes(n1=rig.clock.now(), n2=None)
    rig.apply_match()
    rig.settle()
    assert rig.phase() == "Pending"
    placed(rig)
    assert rig.phase() == "Ready"
    pod = rig.api.one(kube.PODS, rig.server_of())
    assert pod["spec"]["nodeName"] == "n2"


def test_at_max_a_stranded_server_makes_room_for_its_replacement():
    rig = Rig()
    rig.read_nodes(n1=None, n2=None)
    rig.apply_fleet(warm=2, most=2)
    rig.settle()
    placed(rig)
    rig.read_nodes(n1=rig.clock.now(), n2=None)
    rig.settle()
    for pod in rig.pods():
        if "deletionTimestamp" in pod["metadata"]:
            rig.api.end_pod(pod["metadata"]["name"])
    rig.settle()
    placed(rig)
    assert idle_on(rig) == ["n2", "n2"]


@given(
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=0, max_value=6),
    st.integers(min_value=0, max_value=6),
)
def test_idle_ones_go_only_as_others_take_their_place_or_for_want_of_room(
    stranded, idle, wanted, room
):
    pods = tuple(builders.a_pod(f"s{n}") for n in range(stranded))
    missing = wanted - idle
    gone = disruption.to_remove(
        Servers(stranded=pods), idle=idle, wanted=wanted, missing=missing, room=room
    )
    left = stranded - len(gone)
    if missing <= room:
        assert idle + left >= min(wanted, idle + stranded)
    assert left == 0 or idle + left <= max(wanted, idle)
    assert len(gone) <= max(0, idle + stranded - wanted, missing - room)


# ---- busy servers


def test_a_busy_server_goes_on_for_its_grace_and_is_told_to_stop_then():
    rig = ready_on_n1()
    server, since = rig.server_of(), rig.clock.now()
    rig.read_nodes(n1=since, n2=None)
    rig.pass_s(59)
    assert "deletionTimestamp" not in rig.api.one(kube.PODS, server)["metadata"]
    rig.pass_s(2)
    meta = rig.api.one(kube.PODS, server)["metadata"]
    assert meta["deletionGracePeriodSeconds"] == 25, "drainSeconds and the margin to stop"
    result = builders.a_void_result(Reason.DRAINED)
    result = builders.a_result(
        match_uid=rig.match()["metadata"]["uid"],
        outcome=result.outcome,
        standings=[],
        reason=result.reason,
        message="the server had to stop",
    )
    rig.clock.pass_s(15)
    rig.api.end_pod(server, message=builders.a_message(result))
    rig.settle()
    status = rig.match()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "Drained")
    assert "node n1 was cordoned" in status["message"]
    assert "60 s" in status["message"]
    assert any(e.reason == "Drained" and "n1" in e.note for e in rig.emitted)


def test_a_match_that_ends_within_its_grace_completes():
    rig = ready_on_n1()
    rig.read_nodes(n1=rig.clock.now(), n2=None)
    rig.pass_s(30)
    result = builders.a_result(match_uid=rig.match()["metadata"]["uid"])
    rig.api.end_pod(rig.server_of(), message=builders.a_message(result))
    rig.settle()
    assert rig.phase() == "Completed"


def test_a_restart_does_not_prolong_the_grace():
    rig = ready_on_n1()
    since = rig.clock.now()
    rig.read_nodes(n1=since, n2=None)
    rig.pass_s(40)
    rig.start()
    rig.nodes.lose()
    rig.read_nodes(n1=since, n2=None)
    rig.pass_s(21)
    assert "deletionTimestamp" in rig.api.one(kube.PODS, rig.server_of())["metadata"]


def test_an_uncordoned_node_keeps_its_matches():
    rig = ready_on_n1()
    rig.read_nodes(n1=rig.clock.now(), n2=None)
    rig.pass_s(40)
    rig.read_nodes(n1=None, n2=None)
    rig.pass_s(60)
    assert "deletionTimestamp" not in rig.api.one(kube.PODS, rig.server_of())["metadata"]


def test_the_plan_comes_again_when_the_grace_ends():
    rig = ready_on_n1()
    since = rig.clock.now()
    rig.read_nodes(n1=since, n2=None)
    rig.settle()
    key = next(k for k in rig.cache.all_keys() if type(k).__name__ == "MatchKey")
    assert rig.plan(key).wake_at == since + datetime.timedelta(seconds=60)


def test_a_server_whose_grace_is_over_before_it_agreed_loses_the_match_to_another():
    rig = Rig()
    rig.read_nodes(n1=None, n2=None)
    rig.apply_fleet(warm=1, disruption={"graceSeconds": 0})
    rig.settle()
    placed(rig)
    first = rig.pods()[0]["metadata"]["name"]
    rig.servers.silent.add(first)
    rig.apply_match()
    rig.settle()
    assert rig.server_of() == first
    rig.read_nodes(n1=rig.clock.now(), n2=None)
    rig.settle()
    placed(rig)
    assert rig.phase() == "Ready"
    assert rig.server_of() != first


# ---- what a person reads


@pytest.mark.parametrize(
    ("reason", "deleted_at", "pod", "expected"),
    [
        pytest.param(Reason.DRAINED, 60, {}, "node n1 was cordoned", id="drained"),
        pytest.param(Reason.SERVER_LOST, 60, {}, "node n1 was cordoned", id="without-a-word"),
        pytest.param(Reason.DRAINED, 30, {}, "x", id="deleted-by-hand-before"),
        pytest.param(Reason.TICK_STALLED, 60, {}, "x", id="its-own-trouble"),
        pytest.param(
            Reason.EVICTED,
            60,
            {"disruption": "EvictionByEvictionAPI"},
            "node n1 was cordoned",
            id="evicted-when-deleted-already",
        ),
        pytest.param(
            Reason.EVICTED, 30, {"disruption": "EvictionByEvictionAPI"}, "x", id="evicted-before"
        ),
        pytest.param(
            Reason.NODE_LOST, 60, {"disruption": "DeletionByTaintManager"}, "x", id="node-lost"
        ),
    ],
)
def test_an_end_names_the_drain_only_if_that_was_the_cause(reason, deleted_at, pod, expected):
    due = at(deleted_at + 25)
    seen = builders.a_claimed_pod(deletion_due=due, deletion_grace_s=25, **pod)
    end = disruption.explained(ends.failed(reason, "x", at(80)), seen, DRAIN)
    assert end.message.startswith(expected)
    if expected != "x":
        assert end.reason is Reason.DRAINED


@pytest.mark.parametrize(
    ("pod", "reason", "word"),
    [
        pytest.param({}, Reason.DRAINED, "x", id="deleted"),
        pytest.param(
            {"disruption": "EvictionByEvictionAPI"}, Reason.EVICTED, "evicted", id="eviction"
        ),
        pytest.param({"reason": "Evicted"}, Reason.EVICTED, "evicted", id="node-pressure"),
        pytest.param({"reason": "Terminated"}, Reason.NODE_LOST, "evicted", id="node-shutdown"),
    ],
)
def test_a_server_that_says_drained_is_asked_by_whom(pod, reason, word):
    message = builders.a_message(builders.a_void_result(Reason.DRAINED))
    ended = dataclasses.replace(builders.an_ended_pod(message), **pod)
    end = ends.of_server(ended, match_uid="uid-m1", now=at(20))
    assert end.reason is reason
    assert word in end.message


def test_no_drain_without_a_time_or_a_cordon():
    node = NodeSeen(name="n1", ready=True, address="")
    cordoned = NodeSeen(
        name="n1", ready=True, address="", cordon=Cordon(why="cordoned", since=None)
    )
    assert disruption.drain_of(None, Disruption()) is None
    assert disruption.drain_of(node, Disruption()) is None
    assert disruption.drain_of(cordoned, Disruption()) is None


def test_a_server_that_died_before_it_was_told_to_stop_was_not_drained():
    seen = builders.a_claimed_pod(deletion_due=at(85), deletion_grace_s=25)
    end = ends.failed(Reason.SERVER_LOST, "x", at(40))
    assert disruption.explained(end, seen, DRAIN) == end


# ---- labels


@pytest.mark.parametrize(("evict", "safe"), [(Evict.NEVER, "false"), (Evict.ALWAYS, "true")])
def test_the_claim_says_whether_an_eviction_may_end_the_match(evict, safe):
    claim = ClaimPod(pod=builders.a_pod(), match=builders.a_match(), deadline_s=100, evict=evict)
    meta = manifests.claim_patch(claim)["metadata"]
    assert meta["labels"]["matchfleet.dev/state"] == "busy"
    assert meta["labels"]["matchfleet.dev/evict"] == evict.value
    assert meta["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == safe


def test_a_server_is_safe_to_evict_until_its_claim_which_follows_its_fleet():
    rig = Rig()
    rig.apply_fleet(warm=1, disruption={"evict": "Always"})
    rig.settle()
    notes = rig.pods()[0]["metadata"]["annotations"]
    assert notes["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "true"
    server = rig.ready_match()
    assert rig.api.one(kube.PODS, server)["metadata"]["labels"]["matchfleet.dev/evict"] == "Always"
