"""A kind cluster: looked at through Docker, changed through kind, decided in `cluster_plan`."""

import datetime
import json
import time
from typing import Any

from tools.cluster import (
    cluster_plan,
    commands,
    docker,
    errors,
    kind_config,
    node_image,
    places,
    ports,
    progress,
    records,
)

CREATE_TIMEOUT_S = 420
READY_TIMEOUT_S = 180
WAKE_TIMEOUT_S = 120
CONTROL_PLANE_ROLE = "control-plane"
# Kubelets renew their leases every 10 s.
LEASE_LASTS_S = 40
_EVIDENCE = ("get", "nodes,storageclasses,leases.coordination.k8s.io", "-n", "kube-node-lease")
_ADMIN = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=5s")


def ensure(
    name: str,
    *,
    image: node_image.NodeImage,
    mapped: ports.Ports,
    where: places.Places,
    report: progress.Reporter,
) -> None:
    """Makes the cluster exist and be healthy.

    Raises:
        ClusterError: A port is taken, or kind failed; the message carries its last lines.
        NotHealthy: It was made but did not become healthy in time.
    """
    wanted = cluster_plan.WantedCluster(image=docker.image_id(image.name) or "", mapped=mapped)
    for step in cluster_plan.plan(wanted, observe(name, where)):
        if isinstance(step, cluster_plan.WakeNodes) and not _wake(name, report):
            # A second look: what runs and is not healthy is made again.
            for again in cluster_plan.plan(wanted, observe(name, where)):
                _act(again, name, image, mapped, where, report)
            return
        _act(step, name, image, mapped, where, report)


def observe(name: str, where: places.Places) -> cluster_plan.ObservedCluster:
    """What is there under this name."""
    described = docker.inspect(node_names(name))
    nodes: dict[str, cluster_plan.Node] = {}
    for container in described:
        role = container["Config"]["Labels"].get("io.x-k8s.kind.role", "")
        nodes.setdefault(role, _node(container))
    control_plane, worker = nodes.get("control-plane"), nodes.get("worker")
    running = all(node.is_running for node in nodes.values())
    return cluster_plan.ObservedCluster(
        control_plane=control_plane,
        worker=worker,
        others=len(described) - sum(node is not None for node in (control_plane, worker)),
        is_healthy=bool(control_plane and worker and running and is_healthy(name)),
        has_context=_has_context(name),
        was_whole=records.read(name, where=where) is not None,
    )


def is_healthy(name: str, *, heard_after: float | None = None) -> bool:
    """Whether the API answers, both nodes are alive and kind took its last step.

    Args:
        name: The cluster.
        heard_after: Unix time after which each kubelet must have renewed its lease. What the API
            says about a node outlives the node by some 40 s, so its word alone is not enough.
    """
    said = commands.attempt(
        ["docker", "exec", control_plane_name(name), *_ADMIN, *_EVIDENCE, "-ojson"]
    )
    if said is None:
        return False
    items = json.loads(said)["items"]
    since = heard_after if heard_after is not None else time.time() - LEASE_LASTS_S
    ready = {item["metadata"]["name"] for item in items if _is_ready(item)}
    heard = {item["metadata"]["name"] for item in items if _renewed(item) >= since}
    has_storage = any(item["kind"] == "StorageClass" for item in items)
    return len(ready & heard) == 2 and has_storage


def delete(name: str, *, where: places.Places) -> None:
    """Removes the cluster, in whatever state, and its kubeconfig context."""
    kind = where.binaries / "kind"
    if kind.exists():
        commands.run([kind, "delete", "cluster", "--name", name], timeout_s=180)
    leftovers = node_names(name)
    if leftovers:
        docker.remove_containers(*leftovers)


def node_names(name: str) -> list[str]:
    """The cluster's containers, the control plane first."""
    found = docker.containers(f"label=io.x-k8s.kind.cluster={name}")
    return sorted(found, key=lambda node: (CONTROL_PLANE_ROLE not in node, node))


def control_plane_name(name: str) -> str:
    """What kind calls the first node's container."""
    return f"{name}-{CONTROL_PLANE_ROLE}"


def cluster_names() -> list[str]:
    """Every kind cluster that the engine knows, running or not."""
    said = commands.attempt(
        [
            *("docker", "ps", "-a", "--filter", "label=io.x-k8s.kind.cluster"),
            *("--format", '{{.Label "io.x-k8s.kind.cluster"}}'),
        ]
    )
    return sorted(set((said or "").split()))


def _act(
    step: cluster_plan.Step,
    name: str,
    image: node_image.NodeImage,
    mapped: ports.Ports,
    where: places.Places,
    report: progress.Reporter,
) -> None:
    match step:
        case cluster_plan.DeleteCluster(reason):
            with report.step(f"removing cluster {name}: {reason}"):
                delete(name, where=where)
        case cluster_plan.CreateCluster():
            with report.step(f"creating cluster {name}"):
                _create(name, image=image, mapped=mapped, where=where)
        case cluster_plan.WriteContext():
            _write_context(name, where)
        case cluster_plan.WakeNodes():
            pass


def _create(
    name: str, *, image: node_image.NodeImage, mapped: ports.Ports, where: places.Places
) -> None:
    config = kind_config.render(kind_config.config_for(name, image=image, mapped=mapped))
    try:
        commands.run(
            [
                *(where.binaries / "kind", "create", "cluster", "--name", name),
                *("--config", "-", "--wait", f"{READY_TIMEOUT_S}s", "--retain"),
            ],
            stdin=config,
            timeout_s=CREATE_TIMEOUT_S,
        )
    except errors.CommandFailed as failure:
        if "already allocated" in failure.output or "address already in use" in failure.output:
            raise errors.ClusterError(
                f"a port of cluster {name} is taken on this machine: {failure}\n"
                "free it, or choose others with --api-port, --gateway-port and --game-ports"
            ) from failure
        raise
    _wait_until_healthy(name, timeout_s=READY_TIMEOUT_S)


def _wake(name: str, report: progress.Reporter) -> bool:
    """Starts stopped nodes; whether the cluster became healthy."""
    with report.step(f"waking cluster {name}"):
        woken = time.time()
        for node in node_names(name):
            commands.attempt(["docker", "start", node], timeout_s=60)
        try:
            _wait_until_healthy(name, timeout_s=WAKE_TIMEOUT_S, heard_after=woken)
        except errors.NotHealthy:
            return False
        return True


def _wait_until_healthy(name: str, *, timeout_s: float, heard_after: float | None = None) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_healthy(name, heard_after=heard_after):
        if time.monotonic() > deadline:
            raise errors.NotHealthy(
                f"cluster {name} is not healthy after {timeout_s:.0f} s: "
                f"see `docker logs {control_plane_name(name)}` and /var/log in that container"
            )
        time.sleep(1)


def _write_context(name: str, where: places.Places) -> None:
    commands.run([where.binaries / "kind", "export", "kubeconfig", "--name", name])


def _has_context(name: str) -> bool:
    """Whether the kubeconfig leads to this very cluster: its certificate must fit."""
    kubectl = commands.find("kubectl", extra=[places.own_places().binaries])
    if kubectl is None:
        return False
    argv = [kubectl, "--context", f"kind-{name}", "--request-timeout=5s", "get", "--raw", "/readyz"]
    return commands.attempt([str(word) for word in argv]) is not None


def _node(container: dict[str, Any]) -> cluster_plan.Node:
    bindings = container["HostConfig"]["PortBindings"] or {}
    mapped = {
        int(inside.partition("/")[0]): int(outside[0]["HostPort"])
        for inside, outside in bindings.items()
        if outside and outside[0]["HostIp"] == kind_config.LOOPBACK and outside[0]["HostPort"]
    }
    return cluster_plan.Node(
        image=container["Image"], is_running=container["State"]["Running"], mapped=mapped
    )


def _renewed(lease: dict[str, Any]) -> float:
    """When a lease was renewed, as Unix time; 0 for anything else."""
    if lease["kind"] != "Lease":
        return 0.0
    return datetime.datetime.fromisoformat(lease["spec"]["renewTime"]).timestamp()


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
