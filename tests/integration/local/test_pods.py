"""Pods as child processes, seen as everybody else sees them: through the API.

Each pod runs a short Python program. What a test knows of the process it knows from the pod's
status, its log, or the process table.
"""

import asyncio
import pathlib
import signal
import textwrap
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import kube_http
import local_cluster as clusters
import pytest

pytestmark = pytest.mark.local

SERVE = """
import http.server, os, signal, sys
def stop(*_):
    with open(os.environ["MATCHFLEET_TERMINATION_LOG"], "w") as file:
        file.write("ended politely")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists(self.path[1:]) else 200)
        self.end_headers()
http.server.HTTPServer((os.environ["POD_IP"], 8080), Health).serve_forever()
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
ADDRESS = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}


class PodRoom:
    """One namespace of a cluster."""

    def __init__(self, kube: kube_http.Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace
        self.path = f"/api/v1/namespaces/{namespace}/pods"

    async def run(self, program: str, name: str = "p", **spec: Any) -> dict[str, Any]:
        container = {
            "name": "main",
            "image": "none",
            "command": ["python", "-u", "-c", textwrap.dedent(program)],
            **spec.pop("container", {}),
        }
        body = {
            "metadata": {"name": name, **spec.pop("metadata", {})},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 5,
                "containers": [container],
                **spec,
            },
        }
        return await self.kube.made(self.path, body)

    async def until(
        self, holds: Callable[[dict[str, Any]], bool], name: str = "p", within_s: float = 15
    ) -> dict[str, Any]:
        """The pod once a condition on it holds, by watching it."""
        async with asyncio.timeout(within_s):
            query = {"fieldSelector": f"metadata.name={name}"}
            async with self.kube.watch(self.path, **query) as watching:
                while True:
                    pod: dict[str, Any] = (await watching.next())["object"]
                    if holds(pod):
                        return pod

    async def events(self, version: str) -> AsyncIterator[dict[str, Any]]:
        async with self.kube.watch(self.path, resourceVersion=version) as watching:
            while True:
                yield await watching.next()

    async def log(self, name: str = "p") -> str:
        return await self.kube.text(f"{self.path}/{name}/log")


@pytest.fixture
async def pods(local_api: clusters.LocalCluster) -> AsyncIterator[PodRoom]:
    async with kube_http.session(local_api) as kube:
        namespace = f"pods-{uuid.uuid4().hex[:10]}"
        await kube.made("/api/v1/namespaces", {"metadata": {"name": namespace}})
        yield PodRoom(kube, namespace)
        await kube.delete(f"/api/v1/namespaces/{namespace}")


def phase(wanted: str) -> Callable[[dict[str, Any]], bool]:
    return lambda pod: pod["status"]["phase"] == wanted


def is_ready(pod: dict[str, Any]) -> bool:
    return condition(pod, "Ready") == "True"


def condition(pod: dict[str, Any], name: str) -> str:
    found = {c["type"]: c["status"] for c in pod["status"].get("conditions") or ()}
    return found.get(name, "")


def ended(pod: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return state


def is_alive(pid: int) -> bool:
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


async def test_a_process_learns_about_its_pod_and_its_log_can_be_read(pods: PodRoom) -> None:
    await pods.kube.made(
        f"/api/v1/namespaces/{pods.namespace}/secrets",
        {"metadata": {"name": "keys"}, "stringData": {"k": "secret text"}},
    )
    fields = {
        "NAME": "metadata.name",
        "SPACE": "metadata.namespace",
        "POD_UID": "metadata.uid",
        "LABEL": "metadata.labels['app']",
        "NODE": "spec.nodeName",
        "POD_IP": "status.podIP",
    }
    env: list[dict[str, Any]] = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in fields.items()
    ]
    env += [
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}},
        {"name": "URL", "value": "ws://$(POD_IP):7000/$(NAME)"},
    ]
    program = """
        import os
        for name in ("NAME", "SPACE", "POD_UID", "LABEL", "NODE", "KEY", "URL"):
            print(name, os.environ[name])
    """
    made = await pods.run(program, container={"env": env}, metadata={"labels": {"app": "x"}})
    pod = await pods.until(phase("Succeeded"))
    told = dict(line.split(" ", 1) for line in (await pods.log()).splitlines())
    assert told == {
        "NAME": "p",
        "SPACE": pods.namespace,
        "POD_UID": made["metadata"]["uid"],
        "LABEL": "x",
        "NODE": "local",
        "KEY": "secret text",
        "URL": f"ws://{pod['status']['podIP']}:7000/p",
    }
    assert pod["status"]["podIP"].startswith("127.64.")
    assert pod["status"]["hostIP"] == "127.0.0.1"


async def test_readiness_follows_the_probe_in_both_directions(pods: PodRoom) -> None:
    probe = {
        "httpGet": {"port": "health", "path": "/unready"},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    container = {
        "env": [ADDRESS, {"name": "FLAG", "value": "/flags/unready"}],
        "ports": [{"name": "health", "containerPort": 8080}],
        "readinessProbe": probe,
        "workingDir": "/flags",
        "volumeMounts": [{"name": "flags", "mountPath": "/flags"}],
    }
    await pods.run(SERVE, container=container, volumes=[{"name": "flags", "emptyDir": {}}])
    pod = await pods.until(is_ready)
    assert pod["status"]["phase"] == "Running"
    assert condition(pod, "ContainersReady") == "True"
    flags = working_folder(pod)
    (flags / "unready").touch()
    await pods.until(lambda pod: condition(pod, "Ready") == "False")
    (flags / "unready").unlink()
    await pods.until(is_ready)


def pid_of(pod: dict[str, Any]) -> int:
    """The pod's process, recognised by the uid in the paths of its environment."""
    for process in pathlib.Path("/proc").iterdir():
        if process.name.isdigit() and pod["metadata"]["uid"] in environment(process):
            return int(process.name)
    raise AssertionError("the pod has no process")


def working_folder(pod: dict[str, Any]) -> pathlib.Path:
    return pathlib.Path(f"/proc/{pid_of(pod)}/cwd").readlink()


def environment(process: pathlib.Path) -> str:
    try:
        return (process / "environ").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


async def test_a_startup_probe_holds_back_readiness(pods: PodRoom) -> None:
    startup = {"httpGet": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 20}
    program = f"import time\ntime.sleep(1.2)\n{SERVE}"
    await pods.run(program, container={"env": [ADDRESS], "startupProbe": startup})
    running = await pods.until(phase("Running"))
    assert not is_ready(running)
    assert running["status"]["containerStatuses"][0]["started"] is False
    ready = await pods.until(is_ready)
    assert ready["status"]["containerStatuses"][0]["started"] is True


async def test_a_failed_liveness_probe_ends_the_pod(pods: PodRoom) -> None:
    liveness = {"httpGet": {"port": 9}, "periodSeconds": 1, "failureThreshold": 1}
    await pods.run("import time; time.sleep(600)", container={"livenessProbe": liveness})
    pod = await pods.until(phase("Failed"))
    assert ended(pod)["exitCode"] == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("code", "wanted", "reason"), [(0, "Succeeded", "Completed"), (3, "Failed", "Error")]
)
async def test_an_exit_is_reported_with_its_code_and_message(
    pods: PodRoom, code: int, wanted: str, reason: str
) -> None:
    program = f"""
        import os, sys
        with open(os.environ["MATCHFLEET_TERMINATION_LOG"], "w") as file:
            file.write("x" * 5000 + "last words")
        sys.exit({code})
    """
    await pods.run(program)
    state = ended(await pods.until(phase(wanted)))
    assert (state["exitCode"], state["reason"]) == (code, reason)
    assert len(state["message"]) == 4096
    assert state["message"].endswith("xlast words")
    assert state["startedAt"] <= state["finishedAt"]


async def test_a_message_survives_sigkill(pods: PodRoom) -> None:
    program = """
        import os, signal
        with open(os.environ["MATCHFLEET_TERMINATION_LOG"], "w") as file:
            file.write("the result")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    await pods.run(program)
    state = ended(await pods.until(phase("Failed")))
    assert (state["exitCode"], state["message"]) == (137, "the result")


async def test_the_end_of_a_log_explains_a_crash_where_the_pod_asks_for_it(
    pods: PodRoom,
) -> None:
    container = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    await pods.run("raise SystemExit('it broke')", container=container)
    assert "it broke" in ended(await pods.until(phase("Failed")))["message"]


async def test_deletion_gives_grace_and_reports_the_end_before_the_pod_goes(
    pods: PodRoom,
) -> None:
    container = {
        "env": [ADDRESS],
        "readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1},
    }
    await pods.run(SERVE, container=container)
    ready = await pods.until(is_ready)
    version = ready["metadata"]["resourceVersion"]
    await pods.kube.delete(f"{pods.path}/p")
    seen = []
    async for event in pods.events(version):
        seen.append(event)
        if event["type"] == "DELETED":
            break
    last = seen[-2]["object"]
    assert ended(last)["message"] == "ended politely"
    assert last["status"]["phase"] == "Succeeded"


async def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(pods: PodRoom) -> None:
    body = {"metadata": {"finalizers": ["matchfleet.dev/hold"]}}
    await pods.run(STUBBORN, terminationGracePeriodSeconds=1, **body)
    await wait_for_output(pods, "deaf")
    began = asyncio.get_running_loop().time()
    await pods.kube.delete(f"{pods.path}/p")
    pod = await pods.until(phase("Failed"))
    assert ended(pod)["exitCode"] == 137
    assert asyncio.get_running_loop().time() - began >= 0.9
    await pods.kube.merge(f"{pods.path}/p", {"metadata": {"finalizers": None}})


async def wait_for_output(pods: PodRoom, text: str) -> None:
    await pods.until(phase("Running"))
    async with asyncio.timeout(10):
        async for line in pods.kube.lines(f"{pods.path}/p/log", follow="true"):
            if text in line:
                return


async def test_a_finalizer_keeps_the_ended_pod_and_its_result(pods: PodRoom) -> None:
    await pods.run(
        "import time; time.sleep(600)", metadata={"finalizers": ["matchfleet.dev/result"]}
    )
    await pods.until(phase("Running"))
    await pods.kube.delete(f"{pods.path}/p")
    await pods.until(phase("Failed"))
    held = (await pods.kube.get(f"{pods.path}/p")).body
    assert ended(held)["exitCode"] == 128 + signal.SIGTERM
    await pods.kube.merge(f"{pods.path}/p", {"metadata": {"finalizers": None}})
    assert (await pods.kube.get(f"{pods.path}/p")).code == 404


async def test_a_forced_delete_removes_the_pod_at_once_and_then_its_process(
    pods: PodRoom,
) -> None:
    await pods.run(STUBBORN)
    await wait_for_output(pods, "deaf")
    pod = (await pods.kube.get(f"{pods.path}/p")).body
    pid = pid_of(pod)
    await pods.kube.delete(f"{pods.path}/p", {"gracePeriodSeconds": 0})
    assert (await pods.kube.get(f"{pods.path}/p")).code == 404
    await gone(pid)


async def gone(pid: int, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while is_alive(pid):  # noqa: ASYNC110 (no event tells of another process's child)
            await asyncio.sleep(0.02)


async def test_a_pod_over_its_deadline_fails_with_the_reason(pods: PodRoom) -> None:
    await pods.run("import time; time.sleep(600)", activeDeadlineSeconds=1)
    pod = await pods.until(phase("Failed"))
    assert pod["status"]["reason"] == "DeadlineExceeded"


async def test_a_deadline_set_later_counts_from_the_start(pods: PodRoom) -> None:
    await pods.run("import time; time.sleep(600)")
    await pods.until(phase("Running"))
    await pods.kube.merge(f"{pods.path}/p", {"spec": {"activeDeadlineSeconds": 1}})
    pod = await pods.until(phase("Failed"))
    assert pod["status"]["reason"] == "DeadlineExceeded"


@pytest.mark.parametrize(
    ("container", "reason"),
    [
        ({"command": ["/no/such/command"]}, "CreateContainerError"),
        ({"command": None, "image": "no/mapping:1"}, "CreateContainerError"),
        (
            {
                "env": [
                    {
                        "name": "A",
                        "valueFrom": {"configMapKeyRef": {"name": "none", "key": "k"}},
                    }
                ]
            },
            "CreateContainerConfigError",
        ),
    ],
    ids=["command", "image", "config"],
)
async def test_what_cannot_be_started_waits_with_a_reason(
    pods: PodRoom, container: dict[str, Any], reason: str
) -> None:
    await pods.run("", container=container)

    def is_waiting(pod: dict[str, Any]) -> bool:
        statuses = pod["status"].get("containerStatuses") or [{"state": {}}]
        waiting = statuses[0]["state"].get("waiting") or {}
        return bool(waiting.get("reason") == reason)

    pod = await pods.until(is_waiting)
    assert pod["status"]["phase"] == "Pending"
    await pods.kube.delete(f"{pods.path}/p")
    async with asyncio.timeout(5):
        while (await pods.kube.get(f"{pods.path}/p")).code != 404:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_pod_starts_when_its_configuration_appears_and_sees_it_change(
    pods: PodRoom,
) -> None:
    program = """
        import os, time
        path = os.path.join(os.environ["CONFIG"], "word")
        while True:
            with open(path) as file:
                print(file.read(), flush=True)
            time.sleep(0.05)
    """
    container = {
        "env": [{"name": "CONFIG", "value": "/etc/words"}],
        "volumeMounts": [{"name": "words", "mountPath": "/etc/words"}],
    }
    volumes = [{"name": "words", "configMap": {"name": "words"}}]
    await pods.run(program, container=container, volumes=volumes)
    maps = f"/api/v1/namespaces/{pods.namespace}/configmaps"
    await pods.kube.made(maps, {"metadata": {"name": "words"}, "data": {"word": "first"}})
    await wait_for_output(pods, "first")
    await pods.kube.merge(f"{maps}/words", {"data": {"word": "second"}})
    await wait_for_output(pods, "second")


async def test_owned_pods_end_with_their_owner(pods: PodRoom) -> None:
    maps = f"/api/v1/namespaces/{pods.namespace}/configmaps"
    owner = await pods.kube.made(maps, {"metadata": {"name": "o"}})
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "o",
        "uid": owner["metadata"]["uid"],
    }
    await pods.run("import time; time.sleep(600)", metadata={"ownerReferences": [reference]})
    pid = pid_of(await pods.until(phase("Running")))
    await pods.kube.delete(f"{maps}/o")
    await gone(pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
async def test_no_pod_outlives_the_cluster(
    local_cluster: clusters.StartCluster, number: signal.Signals
) -> None:
    cluster = local_cluster("--image", "some/image=python -c 'import time; time.sleep(600)'")
    async with kube_http.session(cluster) as kube:
        room = PodRoom(kube, "default")
        container = {"image": "registry:5000/some/image:tag", "command": None}
        await room.run("", container=container)
        pid = pid_of(await room.until(phase("Running")))
    began = asyncio.get_running_loop().time()
    code = await asyncio.to_thread(cluster.stop, number)
    assert code == (0 if number is signal.SIGTERM else -signal.SIGKILL)
    assert asyncio.get_running_loop().time() - began < 7
    await gone(pid)
