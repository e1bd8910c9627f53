"""What the machine is: memory, disk, cgroups, rights, programs. Looked at once, then a value."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tools.cluster import commands, kernel_limits, versions

CAP_SYS_RESOURCE = 24
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts that decide whether and how fast a cluster comes up."""

    processors: int
    memory_bytes: int
    free_disk_bytes: int
    cgroup_version: int
    is_root: bool
    has_sys_resource: bool
    go: versions.Version | None
    has_apt: bool
    inotify_instances: int


def observe(disk: Path) -> Machine:
    """Looks at this machine; `disk` is a folder on the disk that will be filled."""
    return Machine(
        processors=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        free_disk_bytes=shutil.disk_usage(_existing(disk)).free,
        cgroup_version=2 if Path("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        is_root=os.geteuid() == 0,
        has_sys_resource=has_sys_resource(bounding_set()),
        go=go_version(),
        has_apt=commands.find("apt-get") is not None,
        inotify_instances=kernel_limits.inotify_instances(),
    )


def go_version() -> versions.Version | None:
    """The host's Go, if there is one."""
    go = commands.find("go")
    said = commands.attempt([go, "version"]) if go else None
    return versions.parse_version(said) if said else None


def bounding_set(status: Path = Path("/proc/self/status")) -> int:
    """The capabilities this process may ever hold, as the kernel's bit set."""
    for line in status.read_text().splitlines():
        if line.startswith("CapBnd:"):
            return int(line.split()[1], 16)
    return 0


def has_sys_resource(capabilities: int) -> bool:
    """Whether privileged containers may be given CAP_SYS_RESOURCE."""
    return bool(capabilities >> CAP_SYS_RESOURCE & 1)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
