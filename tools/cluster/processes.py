"""The programs we started and still wait for, ended when the work they serve is given up."""

import os
import signal
from pathlib import Path


def end_children() -> None:
    """Asks our children to end; those with a session of their own, as the engine, stay."""
    for pid in _children(os.getpid()):
        if _session(pid) == os.getsid(0):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue


def _children(parent: int) -> list[int]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in pids if _parent(pid) == parent]


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # State and parent follow the name, which is in brackets and may hold anything.
    return int(status.rpartition(")")[2].split()[1])


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return -1
