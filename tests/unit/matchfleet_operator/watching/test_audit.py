"""Audits repair what watches lose, and a namespace that ends is noticed."""

import asyncio

import pytest

from matchfleet_operator import errors
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Listing
from matchfleet_operator.planning.seen import NodeSeen
from matchfleet_operator.testing.rig import Rig, run
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.audit import Auditor
from matchfleet_operator.watching.feed import Feed
from matchfleet_operator.watching.namespace import NamespaceGuard
from matchfleet_operator.watching.nodes import Nodes


@pytest.fixture
def rig() -> Rig:
    found = Rig()
    found.apply_fleet(warm=1)
    found.settle()
    return found


def an_auditor(rig: Rig, nodes: Nodes | None = None) -> Auditor:
    feed = Feed(rig.cache, rig.memory, rig.clock)
    return Auditor(rig.api, rig.cache, feed, nodes or Nodes())


def test_what_vanished_unseen_is_found_missing(rig):
    rig.apply_match()
    rig.settle()
    rig.api.begin_deletion(kube.MATCHES, "m1")
    rig.unheard.clear()
    assert rig.cache.counts()["matches"] == 1
    run(an_auditor(rig).audit())
    assert rig.cache.counts()["matches"] == 0
    assert len(rig.cache.gone_matches) == 1


def test_what_came_unseen_is_found(rig):
    rig.apply_match()
    rig.unheard.clear()
    run(an_auditor(rig).audit())
    assert [m.name for m in rig.cache.matches()] == ["m1"]


def test_an_object_made_while_a_list_was_under_way_is_not_missed_in_it(rig):
    auditor = an_auditor(rig)

    class Slow:
        async def list_all(self, kind, *, selector=""):
            listing = await rig.api.list_all(kind, selector=selector)
            if kind == kube.MATCHES:
                rig.apply_match("later")
                rig.hear()
            return Listing(items=listing.items, version=listing.version)

    auditor.api = Slow()
    run(auditor.audit())
    assert [m.name for m in rig.cache.matches()] == ["later"]


def test_one_object_that_cannot_be_read_hides_no_other(rig):
    rig.apply_match("good")
    rig.apply_match("bad", game=7)
    rig.unheard.clear()
    run(an_auditor(rig).audit())
    assert [m.name for m in rig.cache.matches()] == ["good"]


def test_nodes_are_read_where_that_is_allowed(rig):
    body = {
        "metadata": {"name": "n1"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    rig.api.put(kube.NODES, body)
    made = rig.api.one(kube.NODES, "n1")
    nodes = Nodes(wanted=True)
    run(an_auditor(rig, nodes).audit())
    version = observed.version_of(made)
    assert nodes.by_name == {"n1": NodeSeen(name="n1", ready=True, address="", version=version)}
    assert (nodes.works("n1"), nodes.works("gone"), nodes.works("")) == (True, False, None)


def test_nodes_that_may_not_be_read_any_more_are_forgotten_until_they_may(rig):
    rig.api.put(kube.NODES, {"metadata": {"name": "n1"}, "spec": {"unschedulable": True}})
    nodes = Nodes(wanted=True)
    auditor = an_auditor(rig, nodes)

    class Guarded:
        refuses = True

        async def list_all(self, kind, *, selector=""):
            if kind == kube.NODES and self.refuses:
                raise errors.Refused("nodes is forbidden", status=403)
            return await rig.api.list_all(kind, selector=selector)

    auditor.api = guarded = Guarded()
    for refuses, cordoned in ((False, {"n1"}), (True, set()), (False, {"n1"})):
        guarded.refuses = refuses
        run(auditor.audit())
        assert nodes.cordoned == cordoned
        assert (nodes.works("n1") is None) == refuses
    assert auditor.last_at > 0


def test_nodes_that_nobody_wants_are_not_asked_for(rig):
    rig.api.put(kube.NODES, {"metadata": {"name": "n1"}})
    nodes = Nodes()
    run(an_auditor(rig, nodes).audit())
    assert nodes.by_name == {}


class Namespaces:
    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.ending = False
        self.forbidden = False

    async def get(self, kind, name):
        assert kind == kube.NAMESPACES
        self.asked.set()
        if self.forbidden:
            raise errors.Refused("forbidden", status=403)
        meta = {"name": name}
        if self.ending:
            meta["deletionTimestamp"] = "2026-05-04T12:00:00Z"
        return {"metadata": meta}


async def test_a_namespace_that_ends_is_noticed_soon_after_the_first_suspicion(rig):
    namespaces = Namespaces()
    guard = NamespaceGuard(namespaces, rig.memory, "games")
    watching = asyncio.create_task(guard.watch(period_s=3600))
    await namespaces.asked.wait()
    namespaces.ending = True
    guard.suspect()
    await asyncio.wait_for(watching, 5)
    assert rig.memory.namespace_ending


async def test_a_namespace_that_may_not_be_read_counts_as_staying(rig):
    namespaces = Namespaces()
    namespaces.forbidden = True
    assert not await NamespaceGuard(namespaces, rig.memory, "games").check()
    assert not rig.memory.namespace_ending


def test_a_claimed_server_that_somebody_stops_raises_the_suspicion(rig):
    rig.start_pods()
    server = rig.ready_match()
    suspicions = []
    feed = Feed(rig.cache, rig.memory, rig.clock, suspect=lambda: suspicions.append(1))
    feed.put(kube.PODS, rig.api.one(kube.PODS, server))
    assert suspicions == []
    rig.api.begin_deletion(kube.PODS, server)
    feed.put(kube.PODS, rig.api.one(kube.PODS, server))
    assert suspicions == [1]


def test_a_watch_that_did_not_tell_what_an_audit_found_is_deaf(rig):
    feed = Feed(rig.cache, rig.memory, rig.clock)
    complaints = []
    auditor = Auditor(
        rig.api, rig.cache, feed, Nodes(), deaf=lambda: complaints.append(rig.clock.now())
    )
    run(auditor.audit())
    rig.apply_match("told")
    rig.apply_match("untold")
    run(auditor.audit())
    feed.tell(kube.MATCHES, "ADDED", rig.match("told"), 0.0)
    assert complaints == []
    run(auditor.audit())
    assert len(complaints) == 1
    run(auditor.audit())
    assert len(complaints) == 1
