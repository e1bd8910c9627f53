"""kopf, the official client and kubectl, unmodified, against the local cluster."""

import asyncio
import json
import pathlib
import re
import shutil
import subprocess
import textwrap
import uuid
from typing import Any

import kopf
import kube_http
import local_cluster as clusters
import pytest
from kubernetes.aio import client, config, watch

pytestmark = pytest.mark.local

EXAMPLES = clusters.CRDS / "examples"
WITHIN_S = 20


@pytest.fixture
async def namespace(local_api: clusters.LocalCluster) -> str:
    name = f"clients-{uuid.uuid4().hex[:10]}"
    async with kube_http.session(local_api) as kube:
        await kube.made("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


def a_match(name: str = "m") -> dict[str, Any]:
    return {
        "apiVersion": "matchfleet.dev/v1alpha1",
        "kind": "Match",
        "metadata": {"name": name},
        "spec": {"game": "airhockey", "mode": "blitz", "region": "eu", "fleets": ["f"]},
    }


async def test_a_kopf_operator_sees_every_event_and_stops(
    local_api: clusters.LocalCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(local_api.kubeconfig))
    seen: asyncio.Queue[tuple[str | None, str, str | None]] = asyncio.Queue()
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event("matchfleet.dev", "v1alpha1", "matches", registry=registry)
    async def heard(type: str | None, body: kopf.Body, **_: Any) -> None:  # noqa: A002
        status = body.get("status") or {}
        await seen.put((type, str(body["metadata"]["name"]), status.get("phase")))

    matches = f"/apis/matchfleet.dev/v1alpha1/namespaces/{namespace}/matches"
    stop = asyncio.Event()
    settings = kopf.OperatorSettings()
    settings.process.ultimate_exiting_timeout = 10
    async with kube_http.session(local_api) as kube, asyncio.timeout(60):
        await kube.made(matches, a_match("listed"))
        operator = asyncio.create_task(
            kopf.operator(
                registry=registry,
                settings=settings,
                standalone=True,
                namespaces=[namespace],
                stop_flag=stop,
            )
        )
        assert await seen.get() in {
            (None, "listed", "Pending"),
            ("ADDED", "listed", "Pending"),
        }
        await kube.made(matches, a_match("m"))
        assert await seen.get() == ("ADDED", "m", "Pending")
        await kube.merge(f"{matches}/m/status", {"status": {"phase": "Assigned"}})
        assert await seen.get() == ("MODIFIED", "m", "Assigned")
        await kube.delete(f"{matches}/m")
        assert await seen.get() == ("DELETED", "m", "Assigned")
        stop.set()
        await operator


async def test_the_official_client_lists_and_watches_custom_objects(
    local_api: clusters.LocalCluster, namespace: str
) -> None:
    settings = client.Configuration()
    await config.load_kube_config(str(local_api.kubeconfig), client_configuration=settings)
    where = ("matchfleet.dev", "v1alpha1", namespace, "matches")
    async with client.ApiClient(settings) as api, asyncio.timeout(60):
        custom = client.CustomObjectsApi(api)
        listed = await custom.list_namespaced_custom_object(*where)
        version = listed["metadata"]["resourceVersion"]
        await custom.create_namespaced_custom_object(*where, a_match())
        await custom.patch_namespaced_custom_object_status(
            *where,
            "m",
            {"status": {"phase": "Assigned"}},
            _content_type="application/merge-patch+json",
        )
        seen = []
        async with watch.Watch() as watching:
            stream = watching.stream(
                custom.list_namespaced_custom_object,
                *where,
                resource_version=version,
                timeout_seconds=WITHIN_S,
            )
            async for event in stream:
                seen.append((event["type"], event["object"]["status"]["phase"]))
                if len(seen) == 2:
                    break
    assert seen == [("ADDED", "Pending"), ("MODIFIED", "Assigned")]


async def test_the_official_client_reads_typed_pods_and_refusals(
    local_api: clusters.LocalCluster, namespace: str
) -> None:
    settings = client.Configuration()
    await config.load_kube_config(str(local_api.kubeconfig), client_configuration=settings)
    async with client.ApiClient(settings) as api, asyncio.timeout(60):
        core = client.CoreV1Api(api)
        pod = client.V1Pod(
            metadata=client.V1ObjectMeta(name="p"),
            spec=client.V1PodSpec(
                restart_policy="Never",
                containers=[client.V1Container(name="main", image="x", command=["true"])],
            ),
        )
        await core.create_namespaced_pod(namespace, pod)
        with pytest.raises(client.ApiException) as refusal:
            await core.create_namespaced_pod(namespace, pod)
        assert refusal.value.status == 409
        assert json.loads(refusal.value.body)["reason"] == "AlreadyExists"
        pods = await core.list_namespaced_pod(namespace)
        assert [item.metadata.name for item in pods.items] == ["p"]
        await core.delete_namespaced_pod("p", namespace, grace_period_seconds=0)


# ---- kubectl --------------------------------------------------------------------------------


class Kubectl:
    """Runs kubectl with a home of its own, so that its caches are too."""

    def __init__(self, cluster: clusters.LocalCluster, namespace: str, home: pathlib.Path) -> None:
        self._flags = ("--kubeconfig", str(cluster.kubeconfig), "--namespace", namespace)
        self._home = home

    def run(self, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("kubectl", *self._flags, *args),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env={"HOME": str(self._home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
            check=False,
        )

    def __call__(self, *args: str, stdin: str = "") -> str:
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def kubectl(local_api: clusters.LocalCluster, namespace: str, tmp_path: pathlib.Path) -> Kubectl:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed here; only these tests need it")
    return Kubectl(local_api, namespace, tmp_path)


def rows(table: str) -> list[dict[str, str]]:
    """A kubectl table by its headings."""
    head, *lines = table.splitlines()
    starts = [found.start() for found in re.finditer(r"\S+(?: \S+)*", head)]
    ends = [*starts[1:], None]
    names = [head[a:b].strip() for a, b in zip(starts, ends, strict=True)]
    return [
        dict(
            zip(names, [line[a:b].strip() for a, b in zip(starts, ends, strict=True)], strict=True)
        )
        for line in lines
    ]


def test_kubectl_applies_the_examples_and_shows_their_columns(kubectl: Kubectl) -> None:
    created = kubectl("apply", "-f", str(EXAMPLES))
    assert created.count("created") == 2
    assert kubectl("apply", "-f", str(EXAMPLES)).count("unchanged") == 2
    (match,) = rows(kubectl("get", "matches"))
    assert (match["NAME"], match["PHASE"]) == ("example", "Pending")
    assert match["AGE"].endswith("s")
    (fleet,) = rows(kubectl("get", "mfl"))
    assert fleet["WARM"] == "2"
    kubectl("scale", "fleet", fleet["NAME"], "--replicas=4")
    assert rows(kubectl("get", "fleets"))[0]["WARM"] == "4"
    assert "Game:" in kubectl("describe", "match", "example")
    assert "FIELD: game <string>" in kubectl("explain", "match.spec.game")
    kubectl("delete", "-f", str(EXAMPLES))
    assert kubectl("get", "matches", "-o", "name") == ""


def test_kubectl_waits_for_a_condition(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", str(EXAMPLES / "match.yaml"))
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Tested",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    body = json.dumps({"status": {"phase": "Assigned", "conditions": [ready]}})
    kubectl("patch", "match", "example", "--subresource=status", "--type=merge", "-p", body)
    done = kubectl("wait", "--for=condition=Ready", "match/example", "--timeout=10s")
    assert "condition met" in done


def test_kubectl_tells_why_a_match_is_refused(kubectl: Kubectl) -> None:
    bad = a_match()
    bad["spec"]["desired"] = "Perhaps"
    refused = kubectl.run("apply", "-f", "-", stdin=json.dumps(bad))
    assert refused.returncode == 1
    assert 'spec.desired: Unsupported value: "Perhaps"' in refused.stderr
    misspelt = a_match()
    misspelt["spec"]["gmae"] = "x"
    refused = kubectl.run("apply", "-f", "-", stdin=json.dumps(misspelt))
    assert 'unknown field "spec.gmae"' in refused.stderr


def test_kubectl_follows_a_pod_through_its_life(kubectl: Kubectl) -> None:
    program = """
        import http.server, os
        print("serving", flush=True)
        http.server.HTTPServer((os.environ["IP"], 8080), http.server.SimpleHTTPRequestHandler
                               ).serve_forever()
    """
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "main",
                    "image": "x",
                    "command": ["python", "-c", textwrap.dedent(program)],
                    "env": [
                        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
                    ],
                    "readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1},
                }
            ],
        },
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=15s")
    (row,) = rows(kubectl("get", "pods", "-o", "wide"))
    assert (row["NAME"], row["READY"], row["STATUS"]) == ("p", "1/1", "Running")
    assert row["IP"].startswith("127.64.")
    assert "serving" in kubectl("logs", "p")
    assert "Status:" in kubectl("describe", "pod", "p")
    kubectl("delete", "pod", "p")
    assert kubectl("get", "pods", "-o", "name") == ""
