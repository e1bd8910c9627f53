"""The kind node image: the published one where it can be pulled, else built from sources.

Built: Debian's containerd and friends, our compiled Kubernetes as kubelet, kubeadm and the images
of the control plane, all under the names that kubeadm asks for. The tag carries a hash of all
inputs, so a stale image is never taken for a fresh one.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import (
    binaries,
    commands,
    debian,
    digests,
    docker,
    places,
    progress,
    registry,
    versions,
)

_PARTS = ("entrypoint.sh", "containerd.toml", "runc-bounded", "manifests")
_DOCKERFILES = ("ground.Dockerfile", "kube.Dockerfile", "node.Dockerfile")
BOX = "matchfleet-node-image"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")


@dataclass(frozen=True, slots=True)
class NodeImage:
    """A node image and where it comes from.

    Attributes:
        name: Its name in the engine.
        is_published: Made by the kind project: systemd inside, other defaults than ours.
    """

    name: str
    is_published: bool

    @property
    def kubectl(self) -> str:
        """Where kubectl lies in it."""
        return "/usr/bin/kubectl" if self.is_published else "/usr/local/bin/kubectl"


def own_name() -> str:
    """The name of the image that the current inputs make."""
    inputs = digests.tree_parts(*(places.SOURCES / part for part in (*_PARTS, *_DOCKERFILES)))
    keys = [binaries.key_of(binaries.KUBE), binaries.key_of(binaries.COREDNS)]
    pinned = [versions.ETCD_IMAGE, versions.PAUSE_IMAGE, versions.COREDNS_IMAGE]
    own = [*_IMPORT, _COLLECT, binaries.pause_key(), debian.archive_name()]
    code = digests.digest([*inputs, *keys, *pinned, *own])
    return f"matchfleet/kind-node:{versions.KUBERNETES}-{code}"


def published_name() -> str:
    """The published image; MATCHFLEET_NODE_IMAGE names another one."""
    return os.environ.get("MATCHFLEET_NODE_IMAGE", versions.PUBLISHED_NODE_IMAGE)


def choose(where: places.Places) -> NodeImage:
    """Decides between published and own, pulling the published one where that works."""
    published = published_name()
    if docker.has_image(published):
        return NodeImage(published, is_published=True)
    if not docker.has_image(own_name()) and registry.answers(where) and docker.pull(published):
        return NodeImage(published, is_published=True)
    return NodeImage(own_name(), is_published=False)


def ensure_ground(where: places.Places) -> str:
    """The image with the node's Debian packages; needs the network, not the compiler."""
    base = debian.image()
    code = digests.digest([base, *digests.tree_parts(places.SOURCES / "ground.Dockerfile")])
    name = f"matchfleet/kind-ground:{code}"
    if not docker.has_image(name):
        docker.build(
            name,
            context=_context(where, "ground"),
            dockerfile=places.SOURCES / "ground.Dockerfile",
            arguments={"BASE_IMAGE": debian.ensure_image(where)},
        )
    return name


def build(where: places.Places, report: progress.Reporter) -> str:
    """Builds our node image unless it is there.

    Raises:
        CommandFailed: A compiler, apt or the engine failed; its last lines are in the message.
    """
    name = own_name()
    if docker.has_image(name):
        return name
    with report.step("compiling Kubernetes, CoreDNS and pause (cached once done)"):
        kube = binaries.ensure(binaries.KUBE, where=where)
        coredns = binaries.ensure(binaries.COREDNS, where=where)
        pause = binaries.ensure_pause(where)
    with report.step("installing the node's Debian packages"):
        ground = ensure_ground(where)
    with report.step(f"building {name}"):
        _assemble(name, ground=ground, programs=(kube, coredns, pause), where=where)
        _drop_older(name)
    return name


def _drop_older(name: str) -> None:
    """Removes node images of earlier inputs, a gigabyte each, unless a cluster still runs them."""
    code = name.rpartition("-")[2]
    for old in docker.images_named(r"matchfleet/(kind-node|kind-bare|kube):"):
        if not old.endswith(code):
            commands.attempt(["docker", "rmi", old], timeout_s=60)


def _assemble(
    name: str, *, ground: str, programs: tuple[Path, Path, Path], where: places.Places
) -> None:
    kube, coredns, pause = programs
    code = name.rpartition("-")[2]
    kube_image = f"matchfleet/kube:{versions.KUBERNETES}-{code}"
    docker.build(
        kube_image,
        context=_context(where, "kube", kube),
        dockerfile=places.SOURCES / "kube.Dockerfile",
        arguments={"BASE_IMAGE": ground},
    )
    _scratch_image(versions.PAUSE_IMAGE, pause, where=where)
    _scratch_image(versions.COREDNS_IMAGE, coredns, where=where)
    names = [f"registry.k8s.io/{part}:{versions.KUBERNETES}" for part in COMPONENTS]
    docker.tag(kube_image, versions.ETCD_IMAGE, *names)
    bare = f"matchfleet/kind-bare:{code}"
    docker.build(
        bare,
        context=_context(where, "node", *(places.SOURCES / part for part in _PARTS)),
        dockerfile=places.SOURCES / "node.Dockerfile",
        arguments={"BASE_IMAGE": kube_image, "VERSION": versions.KUBERNETES},
    )
    preload = [versions.PAUSE_IMAGE, versions.COREDNS_IMAGE, versions.ETCD_IMAGE, *names]
    _commit_with_images(bare, name=name, images=preload)
    # These names belong to others: inside the node they are needed, in the engine they mislead.
    commands.run(["docker", "rmi", bare, *preload])


# Unpacked layers need no archive beside them: half the size of a node.
_IMPORT = ("ctr", "-n", "k8s.io", "images", "import", "--discard-unpacked-layers", "-")

# Containerd collects when a lease is given back with --sync, and only then answers.
_COLLECT = 'ctr -n k8s.io leases delete --sync "$(ctr -n k8s.io leases create)"'


def _commit_with_images(bare: str, *, name: str, images: list[str]) -> None:
    """Imports images into a node's containerd, and keeps the result under `name`."""
    docker.remove_containers(BOX)
    run = ("docker", "run", "-d", "--privileged", "--name", BOX, "--entrypoint", "containerd")
    commands.run([*run, bare])
    try:
        docker.wait_for(BOX, "ctr", "version", timeout_s=30)
        docker.pipe(
            ["docker", "save", *images],
            ["docker", "exec", "-i", BOX, *_IMPORT],
            timeout_s=600,
        )
        docker.execute(BOX, "sh", "-c", _COLLECT)
        # Stopped before the commit: its database must be whole in the image.
        commands.run(["docker", "stop", BOX])
        entrypoint = 'ENTRYPOINT ["/usr/local/bin/entrypoint"]'
        commands.run(["docker", "commit", "--change", entrypoint, BOX, name], timeout_s=600)
    finally:
        docker.remove_containers(BOX)


def _scratch_image(name: str, program: Path, *, where: places.Places) -> None:
    context = _context(where, program.name, program)
    file = program.name
    (context / "Dockerfile").write_text(
        f'FROM scratch\nCOPY {file} /{file}\nENTRYPOINT ["/{file}"]\n'
    )
    docker.build(name, context=context)


def _context(where: places.Places, name: str, *parts: Path) -> Path:
    """A fresh folder with hard links or copies of `parts`, for one build."""
    context = where.node / "contexts" / name
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    for part in parts:
        if part.is_dir():
            shutil.copytree(part, context / part.name)
            continue
        try:
            os.link(part, context / part.name)
        except OSError:
            shutil.copy2(part, context / part.name)
    return context
