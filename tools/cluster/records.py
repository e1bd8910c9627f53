"""What `up` made, written down for the next command: how to reach a cluster, what it runs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.cluster import places, ports


@dataclass(frozen=True, slots=True)
class Record:
    """A cluster that is up.

    Attributes:
        name: kind's name; the kubeconfig's context is `kind-NAME`.
        ports: Its host ports on loopback.
        image_tag: The tag under which our images are in its nodes.
        images: Image name to content tag, for what should restart only when it changed.
        node_image: What its nodes run.
    """

    name: str
    ports: ports.Ports
    image_tag: str
    images: dict[str, str]
    node_image: str

    @property
    def context(self) -> str:
        """The kubeconfig's context."""
        return f"kind-{self.name}"


def write(record: Record, *, where: places.Places) -> None:
    """Keeps a record, whole or not at all."""
    path = _path(record.name, where)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(record), indent=1))
    partial.replace(path)


def read(name: str, *, where: places.Places) -> Record | None:
    """The record of a cluster that was brought up and not taken down."""
    path = _path(name, where)
    if not path.exists():
        return None
    kept = json.loads(path.read_text())
    return Record(**(kept | {"ports": ports.Ports(**kept["ports"])}))


def describe(record: Record, *, where: places.Places) -> dict[str, Any]:
    """What a program needs to use the cluster: names, addresses and tools."""
    return {
        "name": record.name,
        "context": record.context,
        "api_port": record.ports.api,
        "api_node_port": ports.API_NODE_PORT,
        "gateway_port": record.ports.gateway,
        "gateway_node_port": ports.GATEWAY_NODE_PORT,
        "game_ports": [record.ports.first_game, record.ports.last_game],
        "image_tag": record.image_tag,
        "images": record.images,
        "node_image": record.node_image,
        "kubectl": str(where.binaries / "kubectl"),
        "helm": str(where.binaries / "helm"),
        "kind": str(where.binaries / "kind"),
    }


def forget(name: str, *, where: places.Places) -> None:
    """Drops the record of a cluster that is gone."""
    _path(name, where).unlink(missing_ok=True)
    _path(name, where).with_suffix(".claim").unlink(missing_ok=True)


def claim(name: str, *, where: places.Places) -> None:
    """Notes that a cluster is ours, before any of it exists: a killed run must be cleaned up too.

    A cluster's name alone does not make it ours: another checkout may use the same engine.
    """
    path = _path(name, where).with_suffix(".claim")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def claimed(where: places.Places) -> list[str]:
    """Every cluster that is ours, whole or not."""
    kept = (where.cache / "clusters").glob("*")
    return sorted({path.stem for path in kept if path.suffix in {".claim", ".json"}})


def _path(name: str, where: places.Places) -> Path:
    return where.cache / "clusters" / f"{name}.json"
