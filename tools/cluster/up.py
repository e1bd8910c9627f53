"""From any machine to a cluster with our images in it, in as little time as the parts allow.

The compiler works while the network fetches: Kubernetes is compiled in one lane, Debian and our
images are made in another, and they meet where the node image is put together. What is already
there costs a look.
"""

import concurrent.futures
import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from tools.cluster import (
    binaries,
    debian,
    docker,
    engine,
    images,
    kernel_limits,
    kind_cluster,
    loading,
    locks,
    machine,
    node_image,
    places,
    ports,
    processes,
    progress,
    records,
    registry,
    toolchain,
    versions,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What `up` was asked for.

    Attributes:
        name: The cluster's name.
        mapped: Its host ports.
        with_images: Whether our images are built and loaded too.
    """

    name: str
    mapped: ports.Ports
    with_images: bool = True


def up(wish: Wish, *, where: places.Places, report: progress.Reporter) -> records.Record:
    """Brings everything up; safe to run again at any time.

    Raises:
        ClusterError: With what to do about it; whatever was finished is kept.
    """
    with locks.held("build", where=where, report=report), _lanes() as pool:
        ready = pool.submit(_engine, where, report)
        tools = pool.submit(_tools, ready, where, report)
        ground = pool.submit(_ground, ready, where, report)
        built = pool.submit(_images, ready, ground, wish, where, report)
        node = _node_image(ready, ground, where, report)
        helm = pool.submit(_helm, node, where, report)
        tools.result()
        records.claim(wish.name, where=where)
        kind_cluster.ensure(wish.name, image=node, mapped=wish.mapped, where=where, report=report)
        made = built.result()
        tag = images.set_tag(made)
        with report.step("our images in every node"):
            loading.load(wish.name, built=made, tags=(tag, images.DEV_TAG), report=report)
        helm.result()
    record = records.Record(
        name=wish.name,
        ports=wish.mapped,
        image_tag=tag,
        images={one.name: one.tag for one in made},
        node_image=node.name,
    )
    records.write(record, where=where)
    return record


@contextlib.contextmanager
def _lanes() -> Iterator[ThreadPoolExecutor]:
    """Threads for work side by side; when one part fails, the programs of the others end too."""
    pool = ThreadPoolExecutor(max_workers=6)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        processes.end_children()
        raise
    finally:
        pool.shutdown()


def _engine(where: places.Places, report: progress.Reporter) -> None:
    engine.ensure(where, report)
    if kernel_limits.raise_inotify_instances():
        report.say(
            f"raised fs.inotify.max_user_instances to {kernel_limits.INSTANCES_AT_LEAST} "
            "until the next boot"
        )


def _tools(ready: Future[None], where: places.Places, report: progress.Reporter) -> None:
    """kind and kubectl; helm has time until the cluster is up."""
    if not _host_compiles():
        ready.result()
    with report.step("kind"):
        binaries.ensure_kind(where)


def _helm(node: node_image.NodeImage, where: places.Places, report: progress.Reporter) -> None:
    with report.step("helm and kubectl"):
        binaries.ensure_helm(where)
        binaries.ensure_kubectl(node.name, inside=node.kubectl, where=where)


def _ground(ready: Future[None], where: places.Places, report: progress.Reporter) -> None:
    """Debian, and the node's packages on it, where nothing can be pulled."""
    if registry.answers(where):
        return
    if not debian.is_cached(where):
        with report.step(f"bootstrapping Debian {versions.DEBIAN_SUITE}"):
            debian.ensure_archive(where)
    ready.result()
    if not docker.has_image(node_image.own_name()):
        with report.step("the node's Debian packages"):
            node_image.ensure_ground(where)


def _images(
    ready: Future[None],
    ground: Future[None],
    wish: Wish,
    where: places.Places,
    report: progress.Reporter,
) -> list[images.Built]:
    if not wish.with_images:
        return []
    concurrent.futures.wait([ready, ground])
    ready.result()
    ground.result()
    return [images.build(one, where=where, report=report) for one in images.RECIPES]


def _node_image(
    ready: Future[None], ground: Future[None], where: places.Places, report: progress.Reporter
) -> node_image.NodeImage:
    """The node image; compiling begins before the engine is up where the host can."""
    own = node_image.own_name()
    if registry.answers(where) or not _host_compiles():
        ready.result()
        image = node_image.choose(where)
        if image.is_published:
            return image
    elif not (_is_compiled(where) or (engine.answers() and docker.has_image(own))):
        with report.step("fetching the sources of Kubernetes"):
            toolchain.download_modules(where)
        # The tests' control plane is the same program: one of us compiles, the other waits.
        with (
            locks.held("kube", where=where, report=report),
            report.step(f"compiling Kubernetes {versions.KUBERNETES} (once)"),
        ):
            binaries.ensure(binaries.KUBE, where=where)
            binaries.ensure(binaries.COREDNS, where=where)
    ready.result()
    ground.result()
    return node_image.NodeImage(node_image.build(where, report), is_published=False)


def _is_compiled(where: places.Places) -> bool:
    wanted = (binaries.KUBE, binaries.COREDNS)
    return all(binaries.cached(program, where).exists() for program in wanted)


def _host_compiles() -> bool:
    return versions.is_at_least(machine.go_version(), versions.GO_AT_LEAST)
