"""A real Kubernetes API without a cluster: etcd and kube-apiserver as two child processes.

For tests of resources and of the operator: ready in about three seconds, no Docker, no root.
Controllers that keep the API's promises (namespaces end, owned objects are collected, service
accounts appear) run beside it; there is no scheduler and no kubelet, so pods stay as written.
Everything listens on loopback ports and ends with the process that started it. What service
accounts ask for is written down as it is answered, so that a test may hold a Role against it.
"""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import commands, errors

READY_TIMEOUT_S = 60
STOP_TIMEOUT_S = 10
ATTEMPTS = 3
# What people and tests ask for with the admin's token is not written down.
_AUDITED = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:masters", "system:unauthenticated"]},
        {"level": "Metadata", "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}
CONTROLLERS = (
    "garbage-collector-controller",
    "namespace-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
)


@dataclass(frozen=True, slots=True)
class KubeApi:
    """A running API server.

    Attributes:
        url: Its address, `https://127.0.0.1:PORT`.
        token: A bearer token of the group system:masters.
        ca_file: The certificate to trust.
        kubeconfig: A file with all of it, the context being `control-plane`.
        kube: The program that is kubectl under that name.
        audit_log: A line of JSON for each request of a service account (audit.k8s.io/v1).
    """

    url: str
    token: str
    ca_file: Path
    kubeconfig: Path
    kube: Path
    audit_log: Path

    def kubectl(self, *words: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        """Runs kubectl against this server and returns what it printed.

        Raises:
            CommandFailed: kubectl ended with an error; its output is in the message.
        """
        argv: list[str | Path] = [self.kube, "kubectl", "--kubeconfig", self.kubeconfig, *words]
        return commands.run(argv, stdin=stdin, timeout_s=timeout_s)


@contextlib.contextmanager
def running(folder: Path, *, kube: Path, controllers: bool = True) -> Iterator[KubeApi]:
    """A control plane for the time of the block.

    Args:
        folder: Where its data, keys and logs go; made if absent, emptied before each start.
        kube: The Kubernetes program (`python3 -m tools.cluster kube-binary`).
        controllers: Whether the controllers run as well.

    Raises:
        NotHealthy: It did not become ready; the message has the end of its logs.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with contextlib.ExitStack() as processes:
            try:
                api = _start(folder, kube, processes, controllers=controllers)
            except errors.NotHealthy:
                # Another program may have taken a port that was free a moment ago.
                if attempt == ATTEMPTS:
                    raise
                continue
            yield api
            return


def _start(
    folder: Path, kube: Path, processes: contextlib.ExitStack, *, controllers: bool
) -> KubeApi:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    keys = folder / "keys"
    # kubeadm makes the key pair that signs service account tokens: the API server wants one.
    commands.run([kube, "kubeadm", "init", "phase", "certs", "sa", "--cert-dir", keys])
    etcd_port, peer_port, api_port = free_ports(3)
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n')
    api = KubeApi(
        url=f"https://127.0.0.1:{api_port}",
        token=token,
        ca_file=keys / "apiserver.crt",
        kubeconfig=folder / "kubeconfig",
        kube=kube,
        audit_log=folder / "audit.log",
    )
    (folder / "audit-policy.json").write_text(json.dumps(_AUDITED))
    api.kubeconfig.write_text(json.dumps(_kubeconfig(api)))
    etcd = _etcd_arguments(folder, client=etcd_port, peer=peer_port)
    processes.enter_context(_process([kube, "etcd", *etcd], folder / "etcd.log"))
    server = _api_arguments(folder, etcd=etcd_port, port=api_port)
    child = processes.enter_context(
        _process([kube, "kube-apiserver", *server], folder / "kube-apiserver.log")
    )
    _wait_until_ready(api, child, folder)
    if controllers:
        manager = _controller_arguments(api, keys)
        processes.enter_context(
            _process([kube, "kube-controller-manager", *manager], folder / "controllers.log")
        )
    return api


def _etcd_arguments(folder: Path, *, client: int, peer: int) -> list[str]:
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{client}",
        f"--advertise-client-urls=http://127.0.0.1:{client}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
        "--log-level=warn",
        # The data is thrown away: what a power cut would lose does not matter.
        "--unsafe-no-fsync",
    ]


def _api_arguments(folder: Path, *, etcd: int, port: int) -> list[str]:
    keys = folder / "keys"
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={keys}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--allow-privileged=true",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--service-account-issuer=https://127.0.0.1:{port}",
        f"--service-account-key-file={keys / 'sa.pub'}",
        f"--service-account-signing-key-file={keys / 'sa.key'}",
        f"--audit-policy-file={folder / 'audit-policy.json'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-mode=blocking",
        # Without kubelets nobody reconciles the addresses of other API servers.
        "--endpoint-reconciler-type=none",
    ]


def _controller_arguments(api: KubeApi, keys: Path) -> list[str]:
    return [
        f"--kubeconfig={api.kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--root-ca-file={api.ca_file}",
        f"--service-account-private-key-file={keys / 'sa.key'}",
        "--leader-elect=false",
        "--secure-port=0",
        "--concurrent-gc-syncs=5",
    ]


def _kubeconfig(api: KubeApi) -> dict[str, object]:
    name = "control-plane"
    cluster = {"server": api.url, "certificate-authority": str(api.ca_file)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": {"token": api.token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


@contextlib.contextmanager
def _process(argv: Sequence[str | Path], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child for the time of the block, which the kernel ends if we are killed."""
    bound = ["setpriv", "--pdeathsig", "KILL"] if commands.find("setpriv") else []
    with log.open("wb") as output:
        child = subprocess.Popen(
            [*bound, *(str(word) for word in argv)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # A Ctrl-C in the terminal is for us; we then stop the children in order.
            process_group=0,
        )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_until_ready(api: KubeApi, child: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline and child.poll() is None:
        if _is_ready(api):
            return
        time.sleep(0.1)
    tails = [
        f"{log.name}:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-8:])
        for log in sorted(folder.glob("*.log"))
    ]
    raise errors.NotHealthy("the API server did not become ready\n" + "\n".join(tails))


def _is_ready(api: KubeApi) -> bool:
    if not api.ca_file.exists():
        return False
    try:
        trust = ssl.create_default_context(cafile=str(api.ca_file))
    except ssl.SSLError:
        # The API server is writing it.
        return False
    address = api.url.removeprefix("https://")
    connection = http.client.HTTPSConnection(address, timeout=2, context=trust)
    try:
        connection.request("GET", "/readyz", headers={"Authorization": f"Bearer {api.token}"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody has now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def serve(folder: Path, *, kube: Path) -> None:
    """Runs a control plane until a signal ends this process, and says how to reach it."""
    stopped = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stopped.set())
    began = time.monotonic()
    with running(folder, kube=kube) as api:
        print(f"ready after {time.monotonic() - began:.1f} s: {api.url}")
        print(f"export KUBECONFIG={api.kubeconfig}", flush=True)
        stopped.wait()


def default_folder(cache: Path) -> Path:
    """Where the command puts a control plane when it is not told."""
    return cache / "control-plane" / str(os.getpid())
