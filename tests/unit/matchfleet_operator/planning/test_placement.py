"""Where servers are wished to stand, and which of them go first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_operator.acting import manifests
from matchfleet_operator.planning import actions, placement
from matchfleet_operator.planning.placement import Loads
from matchfleet_operator.planning.seen import Placement
from matchfleet_operator.testing import builders
from matchfleet_operator.watching.cache import Cache

OURS = {"labelSelector": {"matchLabels": {"app.kubernetes.io/managed-by": "matchfleet-operator"}}}


def spec_of(fleet) -> dict:
    create = actions.CreatePod(fleet=fleet, name="eu-abcde", host_ports=(), attempt=0)
    return manifests.pod_for(create)["spec"]


def with_spec(**spec) -> dict:
    return {"spec": {"containers": [{"name": "game", "image": "g:1"}]} | spec}


def test_packed_servers_seek_the_company_of_all_our_servers():
    spec = spec_of(builders.a_fleet())
    (wish,) = spec["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert wish["podAffinityTerm"] == OURS | {"topologyKey": "kubernetes.io/hostname"}
    assert "topologySpreadConstraints" not in spec


def test_spread_servers_keep_apart_from_those_of_their_fleet_if_they_can():
    spec = spec_of(builders.a_fleet(placement=Placement.SPREAD))
    assert spec["topologySpreadConstraints"] == [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"matchfleet.dev/fleet": "eu"}},
        }
    ]
    assert "affinity" not in spec


def test_what_the_template_wishes_is_kept():
    mine = {"weight": 100, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {}}}
    away = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
    given_affinity = {
        "nodeAffinity": away,
        "podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [mine]},
    }
    packed = spec_of(builders.a_fleet(template=with_spec(affinity=given_affinity)))["affinity"]
    assert packed["nodeAffinity"] == away
    wishes = packed["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert wishes[0] == mine
    assert len(wishes) == 2
    assert (
        len(given_affinity["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]) == 1
    )


def test_a_template_that_spreads_by_node_itself_is_left_alone():
    own = {"maxSkew": 3, "topologyKey": placement.HOSTNAME, "whenUnsatisfiable": "ScheduleAnyway"}
    template = with_spec(topologySpreadConstraints=[own])
    spec = spec_of(builders.a_fleet(placement=Placement.SPREAD, template=template))
    assert spec["topologySpreadConstraints"] == [own]


def names(pods, kind, loads, **more) -> list[str]:
    return [p.name for p in placement.removal_order(pods, kind, loads, **more)]


def on(node: str, *pods: str, at: int = 0, **changes) -> list:
    return [
        builders.a_pod(name, node=node, created=builders.at(at + place), **changes)
        for place, name in enumerate(pods)
    ]


LOADS = Loads(servers={"full": 9, "half": 4, "bare": 2}, busy={"full": 5, "half": 0, "bare": 0})


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        pytest.param(Placement.PACKED, ["b2", "b1", "h1", "f2", "f1"], id="emptiest-node-first"),
        pytest.param(Placement.SPREAD, ["f2", "f1", "h1", "b2", "b1"], id="fullest-node-first"),
    ],
)
def test_servers_go_by_what_their_node_carries_newest_first_within(kind, order):
    pods = [*on("full", "f1", "f2"), *on("half", "h1", at=50), *on("bare", "b1", "b2", at=20)]
    assert names(pods, kind, LOADS) == order


def test_a_node_without_busy_servers_counts_as_emptier_than_any_with_one():
    loads = Loads(servers={"many": 20, "one": 2}, busy={"one": 1})
    assert names([*on("one", "o"), *on("many", "m")], Placement.PACKED, loads) == ["m", "o"]


def test_starting_servers_go_first_then_those_on_cordoned_nodes():
    young = on("full", "young", ready=False, ip="")
    pods = [*on("bare", "b1"), *on("full", "f1"), *young]
    order = names(pods, Placement.PACKED, LOADS, cordoned={"full"})
    assert order == ["young", "f1", "b1"]


@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=12),
    st.sampled_from(Placement),
    st.integers(min_value=0, max_value=12),
)
def test_shrinking_leaves_packed_nodes_empty_and_spread_ones_level(where, kind, count):
    pods = [builders.a_pod(f"p{n}", node=node) for n, node in enumerate(where)]
    carried = {node: where.count(node) for node in where}
    order = placement.removal_order(pods, kind, Loads(servers=carried))
    assert sorted(p.name for p in order) == sorted(p.name for p in pods)
    left = [p.node for p in order[count:]]
    if kind is Placement.SPREAD:
        # No node that gave one carries less than another, but for the one server in hand.
        gave = {p.node for p in order[:count]}
        assert all(left.count(g) + 1 >= left.count(n) for g in gave for n in carried)
    else:
        touched = [n for n in carried if 0 < left.count(n) < carried[n]]
        assert len(touched) <= 1, "no more than one node is half emptied"


def test_the_cache_counts_what_each_node_carries():
    cache = Cache(lambda _: None)
    cache.put_pod(builders.a_pod("idle", node="n1", version=1))
    cache.put_pod(builders.a_claimed_pod("busy", node="n1", version=2))
    cache.put_pod(builders.a_pod("nowhere", node="", version=3))
    assert (dict(cache.loads.servers), dict(cache.loads.busy)) == ({"n1": 2}, {"n1": 1})
    cache.put_pod(builders.a_claimed_pod("idle", node="n1", version=4))
    assert (dict(cache.loads.servers), dict(cache.loads.busy)) == ({"n1": 2}, {"n1": 2})
    cache.put_pod(builders.an_ended_pod(name="idle", node="n1", version=5))
    cache.drop_pod("busy", "uid-busy")
    assert (dict(cache.loads.servers), dict(cache.loads.busy)) == ({}, {})
