"""The install goes while matches are played: within 90 s, and with nothing left behind."""

import asyncio
import json
import time
from pathlib import Path

import installs_kind
import pytest
import stage as stages

pytestmark = [pytest.mark.kind, pytest.mark.alone]
WITHIN_S = 90.0
KINDS = (
    "matches.matchfleet.dev,fleets.matchfleet.dev,pods,deployments,statefulsets,jobs,services,"
    "configmaps,secrets,serviceaccounts,roles,rolebindings,leases,controllerrevisions"
)
OF_EVERY_NAMESPACE = {"configmap/kube-root-ca.crt", "serviceaccount/default"}
LONG_MATCH = {
    "apiVersion": "matchfleet.dev/v1alpha1",
    "kind": "Match",
    "metadata": {"name": "long"},
    "spec": {
        "game": "airhockey",
        "mode": "blitz",
        "region": "us",
        "fleets": ["airhockey-us"],
        "players": [{"seat": 0, "kind": "Bot"}, {"seat": 1, "team": 1, "kind": "Bot"}],
        "config": {"durationSeconds": 600},
    },
}


@pytest.fixture
def cluster(stage: stages.Stage) -> installs_kind.KindInstall:
    """The install, which a story here removes and puts back."""
    assert isinstance(stage.install, installs_kind.KindInstall)
    return stage.install


async def test_helm_uninstall_ends_live_matches_and_leaves_nothing(
    stage: stages.Stage, cluster: installs_kind.KindInstall, tmp_path: Path
) -> None:
    try:
        async with stage.duel("blitz"):
            await _play_long(cluster, tmp_path)
            began = time.monotonic()
            await cluster.helm("uninstall", "matchfleet", "--wait", "--timeout", "120s")
            await stages.until(
                lambda: _is_empty(cluster), what="an empty namespace", within_s=WITHIN_S
            )
            took_s = time.monotonic() - began
        assert took_s < WITHIN_S, f"it took {took_s:.0f} s"
        assert await _has_no_cluster_roles(cluster)
    finally:
        await cluster.install_again()


async def test_deleting_the_namespace_ends_live_matches_and_leaves_nothing(
    stage: stages.Stage, cluster: installs_kind.KindInstall, tmp_path: Path
) -> None:
    try:
        async with stage.duel("blitz"):
            await _play_long(cluster, tmp_path)
            began = time.monotonic()
            timeout = f"--timeout={WITHIN_S:.0f}s"
            await cluster.kubectl("delete", "namespace", cluster.namespace, "--wait", timeout)
            took_s = time.monotonic() - began
        assert took_s < WITHIN_S, f"it took {took_s:.0f} s"
        gone = await cluster.kubectl("get", "namespace", cluster.namespace, check=False)
        assert "NotFound" in gone.err
        # What is cluster-wide belongs to the namespace, and is collected a moment later.
        await stages.until(
            lambda: _has_no_cluster_roles(cluster), what="no cluster roles", within_s=WITHIN_S
        )
    finally:
        await cluster.install_again()


async def _play_long(cluster: installs_kind.KindInstall, folder: Path) -> None:
    """A second live match, which would go on for ten minutes."""
    path = folder / "long.json"
    await asyncio.to_thread(path.write_text, json.dumps(LONG_MATCH), encoding="utf-8")
    await cluster.kubectl("apply", "-f", str(path))
    await cluster.kubectl("wait", "--for=condition=Ready", "match/long", "--timeout=60s")


async def _has_no_cluster_roles(cluster: installs_kind.KindInstall) -> bool | None:
    kinds = "clusterroles,clusterrolebindings"
    label = "app.kubernetes.io/instance=matchfleet"
    return (await cluster.kubectl("get", kinds, "-o", "name", "-l", label)).out == "" or None


async def _is_empty(cluster: installs_kind.KindInstall) -> bool | None:
    listed = (await cluster.kubectl("get", KINDS, "-o", "name")).out.split()
    left = {name.replace(".matchfleet.dev", "") for name in listed}
    return left <= OF_EVERY_NAMESPACE or None
