"""What a cluster holds before anyone has asked for anything: namespaces, its node, its CRDs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from matchfleet_local.cluster import discovery, errors, kinds, patches, requests
from matchfleet_local.cluster.kubelet import NODE_NAME

# No limit of ours: as many as any one machine will ever run.
_MAX_PODS = 1000
_NAMESPACES = ("default", "kube-system", "kube-public")


@dataclass(frozen=True, slots=True)
class Node:
    """What the machine has."""

    cpus: int
    memory_bytes: int


def first_requests(
    definitions: tuple[dict[str, Any], ...], node: Node, now: str
) -> Iterator[requests.Request]:
    """The writes that set up an empty cluster."""
    for name in _NAMESPACES:
        yield requests.Create(kinds.NAMESPACES, "", {"metadata": {"name": name}})
    yield requests.Create(kinds.NODES, "", _node())
    # The status of a node has an endpoint of its own.
    yield requests.Amend(
        requests.Ref(kinds.NODES, "", NODE_NAME),
        patches.Patch(patches.MERGE, {"status": _node_status(node, now)}),
        "status",
    )
    for definition in definitions:
        yield requests.Create(kinds.CRDS, "", definition)


def _node() -> dict[str, Any]:
    labels = {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"}
    return {"metadata": {"name": NODE_NAME, "labels": labels}, "spec": {}}


def _node_status(node: Node, now: str) -> dict[str, Any]:
    memory = f"{node.memory_bytes // 1024}Ki"
    capacity = {"cpu": str(node.cpus), "memory": memory, "pods": str(_MAX_PODS)}
    return {
        "addresses": [
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": NODE_NAME},
        ],
        "capacity": capacity,
        "allocatable": capacity,
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "KubeletReady",
                "message": "processes can be started",
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
            }
        ],
        "nodeInfo": {
            "kubeletVersion": discovery.SERVER_VERSION["gitVersion"],
            "operatingSystem": "linux",
        },
    }


def read_definitions(folder: Path) -> tuple[dict[str, Any], ...]:
    """The CustomResourceDefinitions in the YAML files of a folder, in the order of their names.

    Raises:
        BadCrdFile: a file that is no YAML, or holds something else than definitions.
    """
    found: list[dict[str, Any]] = []
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        try:
            documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        except yaml.YAMLError as error:
            raise errors.BadCrdFile(f"{path} is not YAML: {error}") from error
        for document in documents:
            if not isinstance(document, dict) or document.get("kind") != kinds.CRDS.kind:
                raise errors.BadCrdFile(
                    f"{path} must hold CustomResourceDefinitions only; move other manifests to a "
                    "subfolder"
                )
            found.append(document)
    return tuple(found)
