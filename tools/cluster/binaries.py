"""Programs we compile: the Kubernetes of the node image, and the tools that drive it.

Each is kept in a folder named after its inputs and renamed into place when complete; a link with
a stable name points to the newest. kind and helm are compiled only where the host has none that
is new enough.
"""

import os
from pathlib import Path

from tools.cluster import commands, digests, docker, places, toolchain, versions

_STAMP = "k8s.io/component-base/version"
_MAJOR, _MINOR, *_ = versions.KUBERNETES.removeprefix("v").split(".")

KUBE = toolchain.GoProgram(
    name="kube",
    package="./kube",
    stamps=(
        f"{_STAMP}.gitVersion={versions.KUBERNETES}",
        f"{_STAMP}.gitMajor={_MAJOR}",
        f"{_STAMP}.gitMinor={_MINOR}",
    ),
)
COREDNS = toolchain.GoProgram(name="coredns", package="./coredns")
KIND = toolchain.GoProgram(name="kind", package="sigs.k8s.io/kind")
HELM = toolchain.GoProgram(
    name="helm",
    package="helm.sh/helm/v3/cmd/helm",
    stamps=(f"helm.sh/helm/v3/internal/version.version={versions.HELM}",),
)
PAUSE = "pause"


def key_of(program: toolchain.GoProgram) -> str:
    """What makes a compiled program fresh: its sources, its modules, its flags."""
    module = [places.SOURCES / name for name in ("go.mod", "go.sum")]
    own = places.SOURCES / program.package
    sources = digests.tree_parts(*module, *([own] if own.is_dir() else []))
    return digests.digest([*sources, program.package, *program.arguments])


def pause_key() -> str:
    """What makes the compiled pause fresh."""
    return digests.digest(digests.tree_parts(places.SOURCES / "pause.c"))


def cached(program: toolchain.GoProgram, where: places.Places) -> Path:
    """Where a program of these very inputs is kept, whether or not it is there yet."""
    return where.node / key_of(program) / program.name


def ensure(program: toolchain.GoProgram, *, where: places.Places) -> Path:
    """Compiles a program unless it is there; returns a path that stays valid."""
    path = cached(program, where)
    if not path.exists():
        partial = _partial(path)
        toolchain.build_go(program, output=partial, where=where)
        partial.rename(path)
    _point(where.node / program.name, path)
    return path


def ensure_pause(where: places.Places) -> Path:
    """Compiles pause unless it is there."""
    path = where.node / pause_key() / PAUSE
    if not path.exists():
        partial = _partial(path)
        toolchain.build_pause(output=partial, where=where)
        partial.rename(path)
    return path


def ensure_kind(where: places.Places) -> Path:
    """kind: the host's if new enough, else ours."""
    return _tool(KIND, minimum=versions.KIND_AT_LEAST, arguments=("version",), where=where)


def ensure_helm(where: places.Places) -> Path:
    """helm: the host's if it is a new enough version 3, else ours."""
    return _tool(
        HELM, minimum=versions.HELM_AT_LEAST, arguments=("version", "--short"), where=where
    )


def ensure_kubectl(image: str, *, inside: str, where: places.Places) -> Path:
    """kubectl: the host's if new enough, else our Kubernetes, else the one of a node image.

    Args:
        image: A node image that the engine holds.
        inside: Where kubectl lies in it.
        where: The project's folders.
    """
    link = where.binaries / "kubectl"
    host = _host_program("kubectl", ("version", "--client"), minimum=versions.KUBECTL_AT_LEAST)
    own = cached(KUBE, where)
    copied = where.node / digests.digest([image]) / "kubectl"
    if not (host or own.exists() or copied.exists()):
        partial = _partial(copied)
        docker.copy_out(image, source=inside, target=partial)
        partial.rename(copied)
    _point(link, host or (own if own.exists() else copied))
    return link


def _tool(
    program: toolchain.GoProgram,
    *,
    minimum: versions.Version,
    arguments: tuple[str, ...],
    where: places.Places,
) -> Path:
    path = _host_program(program.name, arguments, minimum=minimum) or ensure(program, where=where)
    _point(where.binaries / program.name, path)
    return where.binaries / program.name


def _host_program(
    name: str, arguments: tuple[str, ...], *, minimum: versions.Version
) -> Path | None:
    path = commands.find(name)
    version = versions.parse_version(commands.attempt([path, *arguments]) or "") if path else None
    # A newer major version speaks another language: helm 4 is not helm 3.
    fits = versions.is_at_least(version, minimum) and version and version[0] == minimum[0]
    return path if fits else None


def _partial(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f"{path.name}.partial")


def _point(link: Path, target: Path) -> None:
    """Makes `link` lead to `target`, never leaving a moment without one."""
    if link == target or (link.is_symlink() and link.readlink() == target):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
