"""Leaving nothing behind: `down` for one cluster and an idle engine, `clean` for everything.

The engine is stopped only if we started it and nobody's containers run in it. What stays after
`clean` is said: Debian packages, which other software may use by now.
"""

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from tools.cluster import (
    apt,
    commands,
    docker,
    engine,
    errors,
    kind_cluster,
    locks,
    node_image,
    places,
    progress,
    records,
    toolchain,
)

_OUR_BUILDS = (toolchain.IN_CONTAINER, node_image.BOX)
# Image names that only we make.
_OUR_IMAGES = r"matchfleet/"
KIND_NETWORK = "kind"
_IN_CHECKOUT = (".tools", ".build", ".venv")
_CHECKER_CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "dist")


def down(name: str, *, where: places.Places, report: progress.Reporter) -> None:
    """Removes a cluster, then stops our engine if nothing runs in it."""
    if engine.answers():
        with report.step(f"removing cluster {name}"):
            kind_cluster.delete(name, where=where)
    elif engine.own_pid(engine.places_of(where)) is None:
        report.say("no Docker engine runs, so no cluster does")
    forget_context(name, where)
    records.forget(name, where=where)
    if engine.answers() and not docker.running() and engine.stop(where):
        report.say("stopped the Docker engine that we had started")


def foreign(running: Mapping[str, str], *, ours: Collection[str]) -> list[str]:
    """The running containers that are not ours: neither nodes of our clusters nor our builds."""
    return sorted(
        name
        for name, cluster in running.items()
        if cluster not in ours and not name.startswith(_OUR_BUILDS)
    )


def refuse_to_disturb(where: places.Places) -> None:
    """Raises if stopping our engine would stop what others run in it.

    Raises:
        ClusterError: It names the containers and the way out.
    """
    if engine.own_pid(engine.places_of(where)) is None or not engine.answers():
        return
    others = foreign(docker.running(), ours=records.claimed(where))
    if others:
        raise errors.ClusterError(
            f"containers that are not ours run in the engine that we started: {', '.join(others)}\n"
            "nothing was removed: stop them first, or add --force"
        )


def clean(where: places.Places, report: progress.Reporter, *, force: bool = False) -> None:
    """Removes everything that the project made on this machine, but for Debian packages.

    Raises:
        ClusterError: Containers of others run in our engine, and `force` is not set.
    """
    if not force:
        refuse_to_disturb(where)
    packages = apt.installed_by_us(where)
    with locks.held("build", where=where, report=report):
        if engine.answers():
            _remove_from_engine(where, report)
        for name in records.claimed(where):
            forget_context(name, where)
        if engine.stop(where):
            report.say("stopped the Docker engine that we had started")
        for folder in (where.engine, where.runtime):
            _unmount_below(folder)
        with report.step(f"removing {where.cache}"):
            remove_tree(where.cache)
            remove_tree(where.runtime)
    for name in (*_IN_CHECKOUT, *_CHECKER_CACHES):
        remove_tree(places.REPO / name)
    for cache in places.REPO.rglob("__pycache__"):
        remove_tree(cache)
    if packages:
        report.say(f"these Debian packages stay: {' '.join(packages)}")
        report.say(f"to remove them: apt-get purge {' '.join(packages)}")


def forget_context(name: str, where: places.Places) -> None:
    """Drops a cluster's entries from the kubeconfig, where kind could not."""
    kubectl = commands.find("kubectl", extra=[where.binaries])
    if kubectl is None:
        return
    known = commands.attempt([kubectl, "config", "get-clusters"]) or ""
    if f"kind-{name}" in known.split():
        for what in ("delete-context", "delete-cluster", "delete-user"):
            commands.attempt([kubectl, "config", what, f"kind-{name}"])


def remove_tree(folder: Path) -> None:
    """Removes a folder; gone already is fine."""
    if folder.is_symlink() or not folder.exists():
        return
    shutil.rmtree(folder)


def _remove_from_engine(where: places.Places, report: progress.Reporter) -> None:
    """Removes our clusters, and our images unless they go with our engine's own folder."""
    for name in set(records.claimed(where)).intersection(kind_cluster.cluster_names()):
        with report.step(f"removing cluster {name}"):
            kind_cluster.delete(name, where=where)
    if engine.own_pid(engine.places_of(where)) is not None:
        # Its bridge would stay on the machine when the engine is gone.
        commands.attempt(["docker", "network", "rm", KIND_NETWORK])
        return
    images = docker.images_named(_OUR_IMAGES)
    if images:
        with report.step(f"removing {len(images)} images"):
            commands.attempt(["docker", "rmi", *images], timeout_s=300)


def _unmount_below(folder: Path) -> None:
    """Releases what an engine that was killed left mounted, deepest first."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted(mounts, key=len, reverse=True):
        if Path(mount).is_relative_to(folder):
            commands.attempt(["umount", "--lazy", mount])
