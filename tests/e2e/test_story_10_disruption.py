"""Nodes are drained, servers evicted, starved and frozen: no match is lost without a reason."""

import asyncio
import time

import installs_kind
import pytest
import shaky
import stage as stages

# One Fleet, whose name the stories share, so one after the other.
pytestmark = [pytest.mark.kind, pytest.mark.xdist_group("shaky")]


@pytest.fixture
def cluster(stage: stages.Stage) -> installs_kind.KindInstall:
    """The install, on nodes that a story may drain."""
    assert isinstance(stage.install, installs_kind.KindInstall)
    return stage.install


@pytest.mark.alone
async def test_a_drain_waits_for_the_match_that_is_played(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async with stage.duel("blitz") as duel:
        pod = await stage.pod_of(duel.match.id)
        words = ("get", "pod", pod, "-o", "jsonpath={.spec.nodeName}")
        node = (await cluster.kubectl(*words)).out
        async with shaky.Shaky(cluster).drained(node) as drain:
            await duel.over()
            done = await drain
            assert "evicting pod" in done.err + done.out
        await stage.rated_once(duel)
    await stage.audit_is_clean()


@pytest.mark.alone
async def test_without_grace_a_drain_voids_the_match_and_says_why(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async with shaky.fleet(cluster, graceSeconds=0) as fleet:
        _, node = await fleet.play("voided")
        began = time.monotonic()
        async with fleet.drained(node) as drain:
            status = await fleet.until_over("voided")
            await drain
            took_s = time.monotonic() - began
        assert (status["phase"], status["reason"]) == ("Failed", "Drained")
        assert f"node {node} was cordoned" in status["message"]
        assert took_s < 60, f"the drain took {took_s:.0f} s"
        # The node is back, and so are idle servers.
        await fleet.until_idle()
    await stage.audit_is_clean()


async def test_an_eviction_is_refused_while_a_match_is_played_and_granted_when_idle(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async with shaky.fleet(cluster) as fleet:
        busy, _ = await fleet.play("guarded")
        idle = await fleet.until_idle(other_than=busy)
        refused, granted = await asyncio.gather(fleet.evict(busy), fleet.evict(idle))
        assert refused.code != 0
        assert "disruption budget" in refused.err
        assert granted.code == 0, granted.err
        await fleet.until_idle(other_than=idle)
        assert (await fleet.status("guarded"))["phase"] == "Ready"
    await stage.audit_is_clean()


async def test_a_fleet_may_let_its_matches_be_evicted(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async with shaky.fleet(cluster, evict="Always") as fleet:
        busy, _ = await fleet.play("evicted")
        granted = await fleet.evict(busy)
        assert granted.code == 0, granted.err
        status = await fleet.until_over("evicted")
        assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
        assert f"{shaky.DRAIN_S} s" in status["message"]
    await stage.audit_is_clean()


async def test_a_server_that_runs_out_of_memory_fails_its_match_and_names_the_limit(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async with shaky.fleet(cluster) as fleet:
        pod, _ = await fleet.play("starved")
        began = time.monotonic()
        await fleet.make_hungry(pod)
        status = await fleet.until_over("starved")
        took_s = time.monotonic() - began
        assert (status["phase"], status["reason"]) == ("Failed", "ServerLost")
        assert "memory limit" in status["message"]
        assert took_s < 30, f"it took {took_s:.0f} s"
    await stage.audit_is_clean()


async def test_a_server_that_hangs_is_ended_by_its_probe_and_fails_its_match(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async with shaky.fleet(cluster) as fleet:
        pod, node = await fleet.play("frozen")
        began = time.monotonic()
        await fleet.freeze(pod, node)
        status = await fleet.until_over("frozen")
        took_s = time.monotonic() - began
        assert (status["phase"], status["reason"]) == ("Failed", "ServerLost")
        assert "livez" in status["message"]
        assert took_s < 30, f"it took {took_s:.0f} s"
    await stage.audit_is_clean()
