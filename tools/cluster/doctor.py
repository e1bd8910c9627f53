"""Whether this machine can do it, and how long it will take: facts in, sentences out.

A finding that makes it impossible says exactly what to install or change; everything else is said
only so that nobody is surprised.
"""

import enum
import math
from dataclasses import dataclass

from tools.cluster import (
    binaries,
    commands,
    debian,
    docker,
    engine,
    kernel_limits,
    machine,
    node_image,
    places,
    registry,
    versions,
)

MEMORY_FOR_CLUSTER_GIB = 4.0
MEMORY_FOR_DEMO_GIB = 1.5
DISK_COLD_GIB = 15.0
DISK_WARM_GIB = 4.0
DISK_FOR_DEMO_GIB = 3.0
SERVERS = ("postgres", "redis-server", "rabbitmq-server")


class Weight(enum.Enum):
    """What a finding means for the run."""

    FINE = "ok"
    NOTE = "note"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    weight: Weight
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is there beside the machine itself.

    Attributes:
        engine_answers: A Docker engine answers.
        engine_installed: `dockerd` is on the machine.
        registry_answers: Published images can be pulled.
        has_node_image: A fresh node image is in the engine.
        has_kubernetes: Kubernetes is compiled.
        has_debian: Debian is bootstrapped.
        has_servers: PostgreSQL, Redis and RabbitMQ are installed.
    """

    engine_answers: bool
    engine_installed: bool
    registry_answers: bool
    has_node_image: bool
    has_kubernetes: bool
    has_debian: bool
    has_servers: bool


def observe(where: places.Places) -> Surroundings:
    """Looks around; at most some seconds, most of them waiting for a registry."""
    answers = engine.answers()
    return Surroundings(
        engine_answers=answers,
        engine_installed=commands.find("dockerd") is not None,
        registry_answers=registry.answers(where),
        has_node_image=answers and _has_node_image(),
        has_kubernetes=binaries.cached(binaries.KUBE, where).exists(),
        has_debian=debian.is_cached(where),
        has_servers=all(_is_installed(server) for server in SERVERS),
    )


def examine(found: machine.Machine, around: Surroundings, *, demo: bool) -> list[Finding]:
    """The findings for a run on local processes (`demo`) or on a cluster."""
    memory = MEMORY_FOR_DEMO_GIB if demo else MEMORY_FOR_CLUSTER_GIB
    disk = DISK_FOR_DEMO_GIB if demo else disk_needed_gib(around)
    return [
        _amount("memory", found.memory_bytes, at_least_gib=memory, advice="add memory"),
        _amount(
            "free disk",
            found.free_disk_bytes,
            at_least_gib=disk,
            advice="free some, or set MATCHFLEET_CACHE_DIR to a folder on a larger disk",
        ),
        Finding(Weight.FINE, f"processors: {found.processors}"),
        *([_servers(found, around)] if demo else _cluster(found, around)),
    ]


def disk_needed_gib(around: Surroundings) -> float:
    """Free disk for a cluster: what is already made needs no second place."""
    return DISK_WARM_GIB if around.has_node_image else DISK_COLD_GIB


def minutes(found: machine.Machine, around: Surroundings) -> int:
    """Minutes that `up` will take, by what is cached: measured on two processors."""
    processors = max(1, min(found.processors, 8))
    compiling = 0.0 if around.has_kubernetes else 11.0 / processors
    if around.registry_answers:
        return math.ceil(1.0 if around.has_node_image else 5.0)
    if around.has_node_image:
        return 1
    bootstrapping = 0.0 if around.has_debian else 1.0
    go = 0.0 if versions.is_at_least(found.go, versions.GO_AT_LEAST) else 1.5
    # Our images are made while the compiler works; assembling and creating come after it.
    return math.ceil(max(compiling + go, bootstrapping + 2.5) + 2.0)


def render(findings: list[Finding], estimate: str) -> str:
    """The report, worst last so that it is the line next to the prompt."""
    order = [Weight.FINE, Weight.NOTE, Weight.STOP]
    lines = sorted(findings, key=lambda finding: order.index(finding.weight))
    return "\n".join([*(f"  {line.weight.value:<4} {line.text}" for line in lines), estimate])


def is_possible(findings: list[Finding]) -> bool:
    """Whether nothing stops the run."""
    return all(finding.weight is not Weight.STOP for finding in findings)


def _amount(what: str, size: int, *, at_least_gib: float, advice: str) -> Finding:
    gib = size / machine.GIB
    # A machine sold with 4 GiB reports a little less.
    if gib < at_least_gib * 0.93:
        return Finding(
            Weight.STOP, f"{what}: {gib:.1f} GiB, at least {at_least_gib:g} are needed: {advice}"
        )
    return Finding(Weight.FINE, f"{what}: {gib:.1f} GiB (at least {at_least_gib:g})")


def _cluster(found: machine.Machine, around: Surroundings) -> list[Finding]:
    go = ".".join(map(str, found.go)) if found.go else "none"
    fresh = versions.is_at_least(found.go, versions.GO_AT_LEAST)
    return [
        Finding(Weight.FINE, f"cgroup: version {found.cgroup_version}"),
        _rights(found),
        _inotify(found),
        _engine(found, around),
        _registry(found, around),
        Finding(
            Weight.FINE if fresh else Weight.NOTE,
            f"Go: {go}" + ("" if fresh else " (Debian trixie's is used in a container)"),
        ),
    ]


def _rights(found: machine.Machine) -> Finding:
    if not found.is_root:
        return Finding(Weight.FINE, "user: not root")
    if not found.has_sys_resource:
        return Finding(
            Weight.NOTE, "user: root without CAP_SYS_RESOURCE; containers run through a shim"
        )
    return Finding(Weight.FINE, "user: root")


def _inotify(found: machine.Machine) -> Finding:
    wanted = kernel_limits.INSTANCES_AT_LEAST
    if not 0 < found.inotify_instances < wanted:
        return Finding(Weight.FINE, f"inotify instances: {found.inotify_instances}")
    if found.is_root:
        return Finding(Weight.NOTE, f"inotify instances: will be raised to {wanted}")
    return Finding(
        Weight.NOTE,
        f"inotify instances: {found.inotify_instances}, little for a second cluster; as root: "
        f"sysctl fs.inotify.max_user_instances={wanted}",
    )


def _engine(found: machine.Machine, around: Surroundings) -> Finding:
    if around.engine_answers:
        return Finding(Weight.FINE, "Docker engine: answers")
    if not found.is_root:
        return Finding(
            Weight.STOP,
            "Docker engine: none answers; start Docker and let your user use it, or run as root",
        )
    if around.engine_installed:
        return Finding(Weight.NOTE, "Docker engine: installed, will be started")
    if found.has_apt:
        return Finding(Weight.NOTE, "Docker engine: none; docker.io will be installed from Debian")
    return Finding(
        Weight.STOP, "Docker engine: none, and no apt-get to install one: install Docker"
    )


def _registry(found: machine.Machine, around: Surroundings) -> Finding:
    if around.registry_answers:
        return Finding(Weight.FINE, "image registry: answers; published images are used")
    if around.has_node_image:
        return Finding(Weight.FINE, "image registry: none answers; our images are here already")
    if around.has_debian or (found.is_root and found.has_apt):
        return Finding(Weight.NOTE, "image registry: none answers; images are built from Debian")
    return Finding(
        Weight.STOP,
        "image registry: none answers, and building images needs root on Debian or Ubuntu: "
        "let Docker reach a registry, or run as root",
    )


def _servers(found: machine.Machine, around: Surroundings) -> Finding:
    wanted = "PostgreSQL, Redis and RabbitMQ"
    if around.has_servers:
        return Finding(Weight.FINE, f"servers: {wanted} are installed")
    if found.is_root and found.has_apt:
        return Finding(Weight.NOTE, f"servers: {wanted} will be installed from Debian, not started")
    if around.engine_answers:
        return Finding(Weight.NOTE, f"servers: {wanted} will run in containers")
    return Finding(
        Weight.STOP,
        f"servers: {wanted} are missing; as root: "
        "apt-get install postgresql redis-server rabbitmq-server",
    )


def _has_node_image() -> bool:
    return any(
        docker.has_image(one) for one in (node_image.own_name(), node_image.published_name())
    )


def _is_installed(server: str) -> bool:
    if server != "postgres":
        return commands.find(server) is not None
    # Debian keeps each version's programs in a folder of its own, out of PATH.
    return any(places.POSTGRES_PROGRAMS.glob("*/bin/postgres")) or bool(commands.find(server))
