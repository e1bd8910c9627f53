"""Nodes of a real API server: cordoned, given back, hidden from the operator; and what follows.

Nobody schedules here, so the test binds the pods; nobody taints a cordoned node, so the time of a
cordon is read from the API server's own account of who wrote what.
"""

from typing import Any

import pytest

from matchfleet_contracts import results
from matchfleet_contracts.resources import Reason
from matchfleet_operator.testing import builders

pytestmark = pytest.mark.control_plane
UNHURRIED_S = 3600.0
"""No audit comes meanwhile: what is seen was told by the watch."""


async def ready_on(bench, nodes, node: str, **spec: Any) -> str:
    """A Match that plays on a node; the name of its server."""
    (server,) = await nodes.until_idle(node)
    await bench.apply_match(**spec)
    found = await bench.until_phase("Ready")
    assert found["status"]["server"]["pod"] == server
    return server


async def test_wishes_about_nodes_are_words_that_the_api_server_knows(bench):
    async with bench.operating():
        await bench.apply_fleet("packed", placement="Packed", warm=1)
        await bench.apply_fleet("spread", placement="Spread", warm=1)
        await bench.until_pods_run(2)
        specs = {p["metadata"]["name"].split("-")[0]: p["spec"] for p in await bench.pods()}
    to_pods = specs["packed"]["affinity"]["podAffinity"]
    (wish,) = to_pods["preferredDuringSchedulingIgnoredDuringExecution"]
    assert wish["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    (constraint,) = specs["spread"]["topologySpreadConstraints"]
    assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"


async def test_idle_servers_leave_a_cordoned_node_when_others_took_their_place(bench, nodes):
    async with bench.operating(audit_seconds=UNHURRIED_S) as operator:
        await bench.apply_fleet(warm=1)
        (old,) = await nodes.until_idle(nodes.first)
        await bench.until(lambda: _knows(operator, nodes.first))
        await nodes.cordon(nodes.first)
        await nodes.until_idle(nodes.second)
        await bench.until(lambda: nodes.deletion_of(old))


async def test_a_match_plays_on_for_its_grace_after_the_cordon_and_is_drained_then(bench, nodes):
    fleet = {"disruption": {"graceSeconds": 3}, "drainSeconds": 5}
    async with bench.operating(audit_seconds=UNHURRIED_S):
        await bench.apply_fleet(warm=1, **fleet)
        server = await ready_on(bench, nodes, nodes.first)
        await nodes.cordon(nodes.first)
        await nodes.until_idle(nodes.second)
        assert await nodes.deletion_of(server) is None, "its grace is not over yet"
    # What is left of the grace is counted from the node, not from when an operator saw it.
    async with bench.operating():
        meta = await bench.until(lambda: nodes.deletion_of(server))
        assert meta["deletionGracePeriodSeconds"] == 15, "drainSeconds and the margin to stop"
        uid = (await bench.match())["metadata"]["uid"]
        void = builders.a_void_result(Reason.DRAINED)
        void = builders.a_result(
            match_uid=uid, outcome=void.outcome, standings=[], reason=void.reason, message="stop"
        )
        await bench.end_pod(server, message=results.encode(void).decode())
        failed = await bench.until_phase("Failed")
        assert failed["status"]["reason"] == "Drained"
        assert f"node {nodes.first} was cordoned" in failed["status"]["message"]


async def test_a_server_that_ends_without_a_word_when_drained_is_drained_all_the_same(bench, nodes):
    async with bench.operating():
        await bench.apply_fleet(warm=1, disruption={"graceSeconds": 0})
        server = await ready_on(bench, nodes, nodes.first)
        await nodes.cordon(nodes.first)
        await bench.until(lambda: nodes.deletion_of(server))
        await bench.end_pod(server, exit_code=143, reason="Error")
        failed = await bench.until_phase("Failed")
        assert failed["status"]["reason"] == "Drained"


async def _knows(operator, node: str) -> bool:
    return node in operator.auditor.nodes.by_name
