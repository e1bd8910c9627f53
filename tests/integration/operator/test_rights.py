"""What the chart grants the operator is what it uses: no verb more, and none is missed.

The API server writes down what the operator's account asks for. `PATHS` walks every way on which
the operator speaks to it; who teaches it a new verb grants it in the chart and adds the way here.
"""

import base64
import dataclasses
import json
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from operator_bench import Bench

from matchfleet_contracts.ids import FleetName
from matchfleet_operator.acting import executor
from matchfleet_operator.app import Operator
from matchfleet_operator.planning import actions
from tools.cluster import binaries, places

pytestmark = pytest.mark.control_plane
CHART = Path(__file__).parents[3] / "charts" / "matchfleet"
Right = tuple[str, str, str]
"""Group and resource (with its part), verb, and the name, if it is granted for one."""
# kopf asks what there is, which every account may.
NOT_OF_A_RESOURCE = ""


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


def granted(manifests: list[dict[str, Any]]) -> set[Right]:
    return {
        (_resource(group, resource), verb, name)
        for manifest in manifests
        for rule in manifest.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


def asked(audit_log: Path, account: str) -> list[tuple[Right, int]]:
    """What an account asked for, and the code of each answer."""
    found = []
    for line in audit_log.read_text().splitlines():
        event = json.loads(line)
        about = event.get("objectRef", {})
        resource, part = about.get("resource", NOT_OF_A_RESOURCE), about.get("subresource", "")
        if event["user"]["username"] != account or resource == NOT_OF_A_RESOURCE:
            continue
        path = "/".join(filter(None, (resource, part)))
        right = (_resource(about.get("apiGroup", ""), path), event["verb"], about.get("name", ""))
        found.append((right, event.get("responseStatus", {}).get("code", 0)))
    return found


def _resource(group: str, resource: str) -> str:
    return f"{group}/{resource}" if group else resource


# ---- every way on which the operator speaks to the API server


async def a_life(bench: Bench, operator: Operator) -> None:
    """Created, claimed, agreed, played, and removed when its time has come."""
    found = await bench.ready_match("life", ttlSecondsAfterFinished=0)
    await bench.play(found)
    await bench.until(lambda: is_gone(bench, "life"))


async def a_failure(bench: Bench, operator: Operator) -> None:
    """Its server is lost; an Event says so."""
    found = await bench.ready_match("failure")
    await bench.end_pod(found["status"]["server"]["pod"], exit_code=137, reason="OOMKilled")
    await bench.until_phase("Failed", "failure")


async def a_cancel(bench: Bench, operator: Operator) -> None:
    """Called off while it is played: its server is ended."""
    found = await bench.ready_match("cancel")
    await bench.call("PATCH", bench.path("matches", "cancel"), {"spec": {"desired": "Cancel"}})
    await bench.until(lambda: is_told_to_end(bench, found["status"]["server"]["pod"]))
    await bench.end_pod(found["status"]["server"]["pod"])
    await bench.until_phase("Cancelled", "cancel")


async def a_deletion(bench: Bench, operator: Operator) -> None:
    """Deleted while it is played: it is looked for, and its server ended."""
    found = await bench.ready_match("deletion")
    await bench.delete("matches", "deletion")
    await bench.until(lambda: is_told_to_end(bench, found["status"]["server"]["pod"]))
    await bench.end_pod(found["status"]["server"]["pod"])


async def a_smaller_fleet(bench: Bench, operator: Operator) -> None:
    """Fewer idle servers are wanted."""
    await bench.until_pods_run(1)
    await bench.call("PATCH", bench.path("fleets", "eu"), {"spec": {"warm": 0}})

    async def none_idle() -> bool:
        of_pods = [pod["metadata"] for pod in await bench.pods()]
        return all("finalizers" in one or "deletionTimestamp" in one for one in of_pods)

    await bench.until(none_idle)


async def rollouts(bench: Bench, operator: Operator) -> None:
    """More templates than are kept, and back to one of them."""
    await bench.apply_fleet("rolling")
    for image, number in (("g:1", 2), ("g:2", 3), ("g:3", 4), ("g:1", 5)):
        template = {"spec": {"containers": [{"name": "game", "image": image}]}}
        await bench.call("PATCH", bench.path("fleets", "rolling"), {"spec": {"template": template}})
        await bench.until(lambda number=number: keeps(bench, number))
    fleet = operator.cache.fleets[FleetName("rolling")]
    with pytest.raises(executor.Stale):
        await operator.reconciler.executor.do(actions.PutRevision(fleet=fleet, number=5))


async def keeps(bench: Bench, number: int) -> bool:
    """Whether the newest ControllerRevision has that number, and no more than three are kept."""
    path = f"/apis/apps/v1/namespaces/{bench.namespace}/controllerrevisions"
    found = [
        revision["revision"]
        for revision in (await bench.call("GET", path))["items"]
        if revision["metadata"]["name"].startswith("rolling-")
    ]
    return max(found, default=0) == number and len(found) <= 3


async def stale_views(bench: Bench, operator: Operator) -> None:
    """What was seen is not there any more: Match, Fleet and pod are read again."""
    do = operator.reconciler.executor.do
    fleet = operator.cache.fleets[FleetName("eu")]
    gone = dataclasses.replace(fleet, name=FleetName("deleted-meanwhile"), uid="of-that-fleet")
    with pytest.raises(executor.Stale):
        await do(actions.PatchFleetStatus(fleet=gone, status=fleet.status))
    (match,) = [m for m in operator.cache.matches() if m.name == "cancel"]
    old = dataclasses.replace(match, version=1)
    with pytest.raises(executor.Stale):
        await do(actions.PatchMatchStatus(match=old, status=match.status))
    await do(actions.LookAtPod(name="no-such-pod"))  # type: ignore[arg-type]


async def the_namespace(bench: Bench, operator: Operator) -> None:
    """Is everything being deleted?"""
    assert not await operator.guard.check()


async def the_nodes(bench: Bench, operator: Operator) -> None:
    """Where they are, and whether they work."""
    assert operator.auditor.nodes.readable


PATHS: tuple[Callable[[Bench, Operator], Awaitable[None]], ...] = (
    a_life,
    a_failure,
    a_cancel,
    a_deletion,
    rollouts,
    stale_views,
    a_smaller_fleet,
    the_namespace,
    the_nodes,
)


async def is_gone(bench: Bench, name: str) -> bool:
    found = (await bench.call("GET", bench.path("matches")))["items"]
    return all(match["metadata"]["name"] != name for match in found)


async def is_told_to_end(bench: Bench, pod: str) -> bool:
    found = {p["metadata"]["name"]: p["metadata"] for p in await bench.pods()}
    return "deletionTimestamp" in found[pod]


async def test_every_verb_that_is_granted_is_used_and_no_other(bench: Bench, with_crds: Any):
    manifests = rbac(bench.namespace)
    for manifest in manifests:
        manifest["metadata"].setdefault("namespace", bench.namespace)
    with_crds.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    account = next(m["metadata"]["name"] for m in manifests if m["kind"] == "ServiceAccount")
    token = with_crds.kubectl("create", "token", account, "-n", bench.namespace).strip()
    user = _subject(token)
    assert user == f"system:serviceaccount:{bench.namespace}:{account}"
    bench.reach = dataclasses.replace(bench.reach, token=token)
    await bench.apply_fleet(warm=1)
    async with bench.operating() as operator:
        for path in PATHS:
            await path(bench, operator)

        async def told() -> bool:
            return bool((await bench.call("GET", bench.path("events")))["items"])

        await bench.until(told)
    found = asked(with_crds.audit_log, user)
    assert [right for right, code in found if code in {401, 403}] == []
    rights, used = granted(manifests), {right for right, _ in found}
    without_names = {(resource, verb, "") for resource, verb, _ in used}
    assert rights - used - without_names == set(), "granted and never used"
    assert [
        (resource, verb, name)
        for resource, verb, name in used
        if not {(resource, verb, ""), (resource, verb, name)} & rights
    ] == [], "used and not granted here"


def _subject(token: str) -> str:
    body = token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["sub"])
