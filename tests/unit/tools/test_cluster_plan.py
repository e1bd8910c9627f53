"""A healthy cluster is kept, a sleeping one woken, any other made again."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.cluster import cluster_plan, ports

PORTS = ports.Ports(api=8080, first_game=7000, last_game=7002)
WANTED = cluster_plan.WantedCluster(image="sha256:new", mapped=PORTS)


def a_node(**changes: object) -> cluster_plan.Node:
    node = cluster_plan.Node(image="sha256:new", is_running=True)
    return dataclasses.replace(node, **changes)  # type: ignore[arg-type]


def a_cluster(**changes: object) -> cluster_plan.ObservedCluster:
    cluster = cluster_plan.ObservedCluster(
        control_plane=a_node(mapped={6443: 40123, 30080: 8080, 30443: 8443}),
        worker=a_node(mapped={7000: 7000, 7001: 7001, 7002: 7002}),
        is_healthy=True,
        has_context=True,
    )
    return dataclasses.replace(cluster, **changes)  # type: ignore[arg-type]


def kinds(steps: tuple[cluster_plan.Step, ...]) -> list[type[cluster_plan.Step]]:
    return [type(step) for step in steps]


REMAKE = [cluster_plan.DeleteCluster, cluster_plan.CreateCluster]


def test_nothing_there_means_making_it() -> None:
    observed = cluster_plan.ObservedCluster()
    assert cluster_plan.plan(WANTED, observed) == (cluster_plan.CreateCluster(),)


def test_a_healthy_cluster_is_left_alone() -> None:
    assert cluster_plan.plan(WANTED, a_cluster()) == ()


def test_a_healthy_cluster_without_a_context_gets_only_that() -> None:
    steps = cluster_plan.plan(WANTED, a_cluster(has_context=False))
    assert steps == (cluster_plan.WriteContext(),)


def test_stopped_nodes_are_woken() -> None:
    stopped = a_node(is_running=False, mapped={30080: 8080, 30443: 8443})
    steps = cluster_plan.plan(WANTED, a_cluster(control_plane=stopped, is_healthy=False))
    assert steps == (cluster_plan.WakeNodes(),)


def test_nodes_that_never_ran_to_the_end_are_not_waited_for() -> None:
    stopped = a_node(is_running=False, mapped={30080: 8080, 30443: 8443})
    observed = a_cluster(control_plane=stopped, is_healthy=False, was_whole=False)
    assert kinds(cluster_plan.plan(WANTED, observed)) == REMAKE


def test_a_healthy_cluster_whose_images_were_cut_short_is_kept() -> None:
    assert cluster_plan.plan(WANTED, a_cluster(was_whole=False)) == ()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"worker": None}, id="the worker is missing"),
        pytest.param({"control_plane": None}, id="the control plane is missing"),
        pytest.param({"others": 1}, id="a third node"),
        pytest.param({"is_healthy": False}, id="running, not healthy"),
        pytest.param({"worker": a_node(image="sha256:old")}, id="an older node image"),
        pytest.param(
            {"worker": a_node(image="sha256:old", is_running=False)}, id="older and stopped"
        ),
        pytest.param({"control_plane": a_node(mapped={30080: 18080})}, id="another API port"),
        pytest.param({"control_plane": a_node(mapped={30080: 8080})}, id="no gateway"),
        pytest.param({"worker": a_node(mapped={7000: 7000})}, id="too few game ports"),
    ],
)
def test_anything_else_is_made_again(change: dict[str, object]) -> None:
    assert kinds(cluster_plan.plan(WANTED, a_cluster(**change))) == REMAKE


nodes = st.none() | st.builds(
    cluster_plan.Node,
    image=st.sampled_from(["sha256:new", "sha256:old"]),
    is_running=st.booleans(),
    mapped=st.sampled_from([{}, {30080: 8080, 30443: 8443}, {7000: 7000, 7001: 7001, 7002: 7002}]),
)
observations = st.builds(
    cluster_plan.ObservedCluster,
    control_plane=nodes,
    worker=nodes,
    others=st.integers(0, 1),
    is_healthy=st.booleans(),
    has_context=st.booleans(),
)


@given(observations)
def test_a_cluster_is_created_only_where_none_is_left(
    observed: cluster_plan.ObservedCluster,
) -> None:
    steps = kinds(cluster_plan.plan(WANTED, observed))
    is_empty = observed.control_plane is None and observed.worker is None and not observed.others
    if cluster_plan.CreateCluster in steps:
        assert is_empty or steps == REMAKE
    else:
        assert not is_empty


@given(observations)
def test_what_cannot_become_the_wanted_cluster_is_never_kept(
    observed: cluster_plan.ObservedCluster,
) -> None:
    if cluster_plan.CreateCluster not in kinds(cluster_plan.plan(WANTED, observed)):
        assert observed.control_plane is not None
        assert observed.worker is not None
        assert {observed.control_plane.image, observed.worker.image} == {"sha256:new"}
