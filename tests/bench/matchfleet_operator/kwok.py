"""kwok: plays nodes and kubelets, so that thousands of pods run on two cores.

It is compiled once, from its own module at a fixed version, into the project's cache. Its pods get
addresses out of 127.64.0.0/16, where the bench's game servers answer.
"""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench.matchfleet_operator import api, processes
from tools.cluster import commands, control_plane, places, toolchain

MODULE = "sigs.k8s.io/kwok/cmd/kwok"
VERSION = "v0.8.0"
POD_RANGE = "127.64.0.1/16"
STAGES = Path(__file__).with_name("stages.yaml")
NODE_PODS = 4000
COMPILE_TIMEOUT_S = 1800


def ensure(where: places.Places) -> Path:
    """Compiles kwok unless it is there.

    Raises:
        commands.errors.CommandFailed: there is no Go, or the module did not compile.
    """
    folder = where.cache / "kwok" / VERSION
    path = folder / "kwok"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    go = commands.find("go")
    search = os.environ.get("PATH", "")
    commands.run(
        ["go", "install", *toolchain.LEAN, "-ldflags", "-s -w", f"{MODULE}@{VERSION}"],
        env=toolchain.go_environment(where.go)
        | {"GOBIN": str(folder), "PATH": f"{go.parent}{os.pathsep}{search}" if go else search},
        timeout_s=COMPILE_TIMEOUT_S,
    )
    return path


@contextlib.asynccontextmanager
async def running(
    program: Path, kube: control_plane.KubeApi, folder: Path
) -> AsyncIterator[processes.Child]:
    """kwok for the time of the block, looking after every node there is."""
    argv: list[str | Path] = [
        program,
        f"--config={STAGES}",
        f"--kubeconfig={kube.kubeconfig}",
        "--manage-all-nodes=true",
        f"--cidr={POD_RANGE}",
        "--node-ip=127.0.0.1",
        "-v=WARN",
    ]
    async with processes.running(argv, log=folder / "kwok.log") as child:
        yield child


async def add_nodes(http: api.Api, count: int) -> None:
    """Makes nodes that are ready, and stay so: nothing here asks for heartbeats."""
    for number in range(count):
        name = node_name(number)
        room = {"cpu": "100000", "memory": "100000Gi", "pods": str(NODE_PODS)}
        await http.call(
            "POST",
            http.path("nodes"),
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
                "status": {
                    "allocatable": room,
                    "capacity": room,
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                },
            },
        )
        # Every new node is tainted as not ready; the controller that would lift that is not here.
        await http.call("PATCH", http.path("nodes", name), {"spec": {"taints": None}})


def node_name(number: int) -> str:
    """What the nodes are called, counted from 0."""
    return f"node-{number}"
