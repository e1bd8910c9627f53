"""A limit of the kernel that two clusters on one machine run into.

kubelet, containerd and the control plane watch many files; with the usual 128 inotify instances a
second cluster's kubelet dies of "too many open files". Root raises the limit until the next boot.
"""

from pathlib import Path

INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
INSTANCES_AT_LEAST = 1024


def inotify_instances(limit: Path = INSTANCES) -> int:
    """The limit as it is, or 0 where there is none to read."""
    try:
        return int(limit.read_text())
    except OSError:
        return 0


def raise_inotify_instances(limit: Path = INSTANCES) -> bool:
    """Raises the limit where we may; whether it was changed."""
    if not 0 < inotify_instances(limit) < INSTANCES_AT_LEAST:
        return False
    try:
        limit.write_text(str(INSTANCES_AT_LEAST))
    except OSError:
        return False
    return True
