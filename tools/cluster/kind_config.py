"""kind's configuration for our two nodes, as text: the only place that knows its shape.

JSON is YAML, so the standard library is enough to write it.
"""

import json
from typing import Any

from tools.cluster import node_image, ports

ROLE_LABEL = "matchfleet.dev/role"
LOOPBACK = "127.0.0.1"


def config_for(name: str, *, image: node_image.NodeImage, mapped: ports.Ports) -> dict[str, Any]:
    """The cluster: a control plane that carries the platform, a worker that runs games.

    Args:
        name: kind's name of the cluster.
        image: What the nodes run.
        mapped: Host ports on loopback for the API, the gateway and games.
    """
    platform = {
        "role": "control-plane",
        "image": image.name,
        "labels": {ROLE_LABEL: "platform"},
        "extraPortMappings": [
            _mapping(ports.API_NODE_PORT, mapped.api),
            _mapping(ports.GATEWAY_NODE_PORT, mapped.gateway),
        ],
        "kubeadmConfigPatches": [_UNTAINTED],
    }
    games = {
        "role": "worker",
        "image": image.name,
        "labels": {ROLE_LABEL: "games"},
        "extraPortMappings": [_mapping(port, port) for port in mapped.games],
    }
    config: dict[str, Any] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": name,
        "nodes": [platform, games],
    }
    if not image.is_published:
        # Our node has no systemd to manage cgroups.
        config["kubeadmConfigPatches"] = [
            "kind: KubeletConfiguration\ncgroupDriver: cgroupfs\n",
        ]
    return config


_UNTAINTED = "kind: InitConfiguration\nnodeRegistration:\n  taints: []\n"


def render(config: dict[str, Any]) -> str:
    """The configuration as kind reads it."""
    return json.dumps(config, indent=1)


def _mapping(container: int, host: int) -> dict[str, Any]:
    return {"containerPort": container, "hostPort": host, "listenAddress": LOOPBACK}
