"""The Role that the chart grants is enough for a Match's whole life."""

import base64
import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.cluster import binaries, places

pytestmark = pytest.mark.control_plane
CHART = Path(__file__).parents[3] / "charts" / "matchfleet"


def rbac(namespace: str) -> list[dict[str, Any]]:
    """What the chart grants the operator in a namespace."""
    helm = binaries.ensure_helm(places.own_places())
    words = ("template", "matchfleet", CHART, "--namespace", namespace)
    done = subprocess.run(
        [helm, *words, "--kube-version", "1.33.0", "--show-only", "templates/rbac.yaml"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = [m for m in yaml.safe_load_all(done.stdout) if m]
    return [m for m in found if m["metadata"]["name"].endswith(("-operator", "-operator-nodes"))]


async def test_the_charts_role_is_enough_for_a_whole_life(bench, with_crds):
    manifests = rbac(bench.namespace)
    for manifest in manifests:
        manifest["metadata"].setdefault("namespace", bench.namespace)
    with_crds.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    account = next(m["metadata"]["name"] for m in manifests if m["kind"] == "ServiceAccount")
    token = with_crds.kubectl("create", "token", account, "-n", bench.namespace).strip()
    assert _subject(token).endswith(f":{bench.namespace}:{account}")
    bench.reach = dataclasses.replace(bench.reach, token=token)
    async with bench.operating() as operator:
        await bench.apply_fleet(warm=1)
        await bench.until_pods_run(1)
        found = await bench.ready_match("life", ttlSecondsAfterFinished=0)
        await bench.play(found)

        async def gone() -> bool:
            return not (await bench.call("GET", bench.path("matches")))["items"]

        await bench.until(gone)
        assert not await operator.guard.check()
        assert operator.auditor.nodes.readable

        async def told() -> bool:
            events = (await bench.call("GET", bench.path("events")))["items"]
            return {"Ready", "Completed"} <= {e["reason"] for e in events}

        await bench.until(told)


async def test_an_operator_without_the_right_to_read_nodes_works_until_it_has_it(
    bench, nodes, with_crds
):
    manifests = rbac(bench.namespace)
    for manifest in manifests:
        manifest["metadata"].setdefault("namespace", bench.namespace)
    ours = [m for m in manifests if not m["kind"].startswith("Cluster")]
    cluster_wide = [m for m in manifests if m["kind"].startswith("Cluster")]
    with_crds.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(ours))
    account = next(m["metadata"]["name"] for m in manifests if m["kind"] == "ServiceAccount")
    token = with_crds.kubectl("create", "token", account, "-n", bench.namespace).strip()
    bench.reach = dataclasses.replace(bench.reach, token=token)
    async with bench.operating(audit_seconds=0.5) as operator:
        await bench.apply_fleet(warm=1)
        (old,) = await nodes.until_idle(nodes.first)
        await nodes.cordon(nodes.first)
        assert operator.auditor.nodes.cordoned == frozenset()
        with_crds.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(cluster_wide))
        await nodes.until_idle(nodes.second)
        await bench.until(lambda: nodes.deletion_of(old))
        for manifest in cluster_wide:
            name = manifest["metadata"]["name"]
            with_crds.kubectl("delete", manifest["kind"].lower(), name)
        await bench.until(lambda: _is_blind(operator))
        await bench.apply_match("still")
        await bench.until_phase("Ready", "still")


def _subject(token: str) -> str:
    body = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"])


async def _is_blind(operator) -> bool:
    return not operator.auditor.nodes.readable
