"""One brief wrong observation of a server never ends its match."""

import pytest

from matchfleet_contracts.ids import PodName, PodUid
from matchfleet_contracts.resources import Reason
from matchfleet_operator.acting import kube
from matchfleet_operator.testing.rig import Rig


@pytest.fixture
def rig() -> Rig:
    """A match under way."""
    found = Rig()
    found.apply_fleet()
    found.ready_match()
    return found


def glitch(rig: Rig, status: dict) -> None:
    rig.api.change(kube.PODS, rig.server_of(), {"status": status})
    rig.pass_s(2)


def is_played_on(rig: Rig, server: dict) -> bool:
    pod = rig.api.one(kube.PODS, server["pod"])
    return (
        rig.phase() == "Ready"
        and rig.match()["status"]["server"] == server
        and "deletionTimestamp" not in pod["metadata"]
    )


@pytest.mark.parametrize(
    "status",
    [
        pytest.param({"podIP": None}, id="its address is gone"),
        pytest.param({"podIP": "10.9.9.9"}, id="its address is another"),
        pytest.param({"hostIP": "192.168.9.9"}, id="its node's address is another"),
        pytest.param({"conditions": [{"type": "Ready", "status": "False"}]}, id="it is not ready"),
        pytest.param({"conditions": None}, id="it has no conditions"),
        pytest.param({"containerStatuses": None}, id="its containers are not told"),
        pytest.param({"phase": "Unknown"}, id="its phase is unknown"),
        pytest.param({"phase": "Pending"}, id="it is said to start"),
    ],
)
def test_a_status_that_is_wrong_for_a_while_ends_no_match(rig, status):
    server = rig.match()["status"]["server"]
    before = rig.api.one(kube.PODS, server["pod"])["status"]
    glitch(rig, status)
    assert is_played_on(rig, server)
    rig.pass_s(20)
    assert is_played_on(rig, server)
    glitch(rig, before)
    assert is_played_on(rig, server)


def test_a_pod_that_one_list_or_watch_does_not_have_is_looked_for_and_found(rig):
    server = rig.match()["status"]["server"]
    rig.cache.miss_pod(PodName(server["pod"]), PodUid(server["podUID"]))
    rig.settle()
    assert is_played_on(rig, server)
    assert rig.cache.pod(PodUid(server["podUID"])) is not None


def test_a_pod_that_lost_its_label_is_told_as_deleted_and_is_not(rig):
    server = rig.match()["status"]["server"]
    rig.hear()
    rig.deliver(kube.PODS, "DELETED", rig.api.one(kube.PODS, server["pod"]))
    rig.settle()
    assert is_played_on(rig, server)


def test_a_pod_that_is_gone_indeed_fails_its_match_at_once(rig):
    pod = rig.server_of()
    rig.api.change(kube.PODS, pod, {"metadata": {"finalizers": None}})
    rig.api.begin_deletion(kube.PODS, pod, grace_s=0)
    rig.settle()
    assert rig.match()["status"]["reason"] == Reason.SERVER_LOST


def test_a_phase_that_says_failed_for_a_moment_ends_no_match(rig):
    server = rig.match()["status"]["server"]
    rig.api.change(kube.PODS, server["pod"], {"status": {"phase": "Failed"}})
    rig.settle()
    assert rig.phase() == "Ready", "its container has not said how it ended"
    glitch(rig, {"phase": "Running"})
    assert is_played_on(rig, server)
