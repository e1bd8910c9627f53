"""Our images in a cluster's nodes: carried over only when a node lacks that very content.

A node knows an image by its content tag. What is missing goes over in one archive per node, both
nodes at once; the names a chart uses are then set inside the node, which moves no data.
"""

import concurrent.futures
from collections.abc import Sequence
from dataclasses import dataclass

from tools.cluster import docker, images, kind_cluster, progress

LOAD_TIMEOUT_S = 600
# Names without a registry stand for this one inside a node.
DEFAULT_REGISTRY = "docker.io"
_CTR = ("ctr", "-n", "k8s.io", "images")


@dataclass(frozen=True, slots=True)
class Load:
    """What one node needs.

    Attributes:
        node: Its container.
        missing: References of images to carry over.
        names: Reference to the further names it gets in the node.
    """

    node: str
    missing: tuple[str, ...]
    names: tuple[tuple[str, str], ...]


def plan(
    node: str, *, present: frozenset[str], built: Sequence[images.Built], tags: Sequence[str]
) -> Load:
    """What `node` needs so that every image is there under its content tag and `tags`."""
    missing = tuple(one.reference for one in built if _in_node(one.reference) not in present)
    names = tuple((one.reference, f"{one.name}:{tag}") for one in built for tag in tags)
    return Load(node=node, missing=missing, names=names)


def load(
    cluster: str,
    *,
    built: Sequence[images.Built],
    tags: Sequence[str],
    report: progress.Reporter,
) -> None:
    """Brings the images into every node of the cluster."""
    loads = [
        plan(node, present=_present(node), built=built, tags=tags)
        for node in kind_cluster.node_names(cluster)
    ]
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(loads) or 1) as pool:
        for done in [pool.submit(_carry, one, report) for one in loads]:
            done.result()


def _carry(one: Load, report: progress.Reporter) -> None:
    if one.missing:
        short = ", ".join(name.partition("/")[2].partition(":")[0] for name in one.missing)
        with report.step(f"loading {short} into {one.node}"):
            docker.pipe(
                ["docker", "save", *one.missing],
                ["docker", "exec", "-i", one.node, *_CTR, "import", "-"],
                timeout_s=LOAD_TIMEOUT_S,
            )
    for reference, name in one.names:
        words = ("tag", "--force", _in_node(reference), _in_node(name))
        docker.execute(one.node, *_CTR, *words)


def _present(node: str) -> frozenset[str]:
    return frozenset(docker.execute(node, *_CTR, "ls", "-q").split())


def _in_node(reference: str) -> str:
    return f"{DEFAULT_REGISTRY}/{reference}"
