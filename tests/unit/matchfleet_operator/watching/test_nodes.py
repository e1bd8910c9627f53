"""What is known of nodes, and since when they are being emptied."""

import pytest

from matchfleet_operator.planning.seen import Cordon
from matchfleet_operator.testing import builders
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.nodes import Nodes

NOW = builders.at(100)
SINCE = "2026-05-04T12:00:30Z"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def a_node(name: str = "n1", *, version: int = 1, **parts) -> dict:
    return {"metadata": {"name": name, "resourceVersion": str(version)}} | parts


def wrote(field: str, at: str) -> dict:
    return {"manager": "kubectl", "time": at, "fieldsV1": {"f:spec": {field: {}}}}


@pytest.mark.parametrize(
    ("spec", "cordon"),
    [
        pytest.param({}, None, id="open"),
        pytest.param({"taints": [{"key": "games-only", "effect": "NoSchedule"}]}, None, id="other"),
        pytest.param({"unschedulable": True}, Cordon(why="cordoned", since=None), id="no-time"),
        pytest.param(
            {"unschedulable": True, "taints": [{"key": UNSCHEDULABLE, "timeAdded": SINCE}]},
            Cordon(why="cordoned", since=builders.at(30)),
            id="cordoned",
        ),
        pytest.param(
            {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "value": "1777896030"}]},
            Cordon(why="given up by the cluster autoscaler", since=builders.at(30)),
            id="autoscaler",
        ),
        pytest.param(
            {"taints": [{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]},
            Cordon(why="given up by Karpenter", since=None),
            id="karpenter",
        ),
    ],
)
def test_a_node_that_is_emptied_says_so_and_since_when(spec, cordon):
    assert observed.node(a_node(spec=spec)).cordon == cordon


def test_before_the_taint_comes_the_api_servers_own_account_tells_the_time():
    raw = a_node(spec={"unschedulable": True})
    raw["metadata"]["managedFields"] = [
        wrote("f:podCIDR", "2026-05-04T11:00:00Z"),
        wrote("f:unschedulable", SINCE),
    ]
    assert observed.node(raw).cordon == Cordon(why="cordoned", since=builders.at(30))


def test_a_cordon_of_unknown_age_counts_from_when_it_was_first_seen():
    nodes = Nodes(readable=True)
    spec = {"unschedulable": True}
    nodes.tell("ADDED", a_node(version=1), builders.at(0))
    nodes.tell("MODIFIED", a_node(version=2, spec=spec), builders.at(5))
    nodes.tell("MODIFIED", a_node(version=3, spec=spec), builders.at(9))
    assert nodes.by_name["n1"].cordon.since == builders.at(5)


def test_of_two_states_the_newer_wins_and_heartbeats_move_nothing():
    moved = []
    nodes = Nodes(readable=True, changed=moved.append)
    nodes.tell(None, a_node(version=1), NOW)
    nodes.tell("MODIFIED", a_node(version=3, spec={"unschedulable": True}), NOW)
    nodes.tell("MODIFIED", a_node(version=2), NOW)
    assert nodes.cordoned == {"n1"}
    nodes.tell("MODIFIED", a_node(version=4, spec={"unschedulable": True}), NOW)
    assert moved == ["n1", "n1"]
    nodes.tell("DELETED", a_node(version=5), NOW)
    assert nodes.cordoned == frozenset()
    assert moved == ["n1", "n1", "n1"]


def test_a_list_drops_what_it_does_not_have_unless_that_is_newer():
    nodes = Nodes(wanted=True)
    nodes.replace([a_node("old", version=1), a_node("new", version=9)], 9, NOW)
    nodes.replace([], 5, NOW)
    assert set(nodes.by_name) == {"new"}
    assert nodes.works("old") is False


def test_what_a_watch_still_tells_after_the_right_was_lost_is_not_heard():
    nodes = Nodes(readable=True)
    nodes.lose()
    nodes.tell("ADDED", a_node(), NOW)
    assert nodes.by_name == {}
