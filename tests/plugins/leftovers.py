"""Whether anything still runs of what was started for a directory."""

import os
import time
from pathlib import Path

GONE_WITHIN_S = 20.0


def mentioning(directory: Path) -> list[str]:
    """Command lines of processes that know the directory, by their words or their environment."""
    needle = os.fsencode(directory)
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes()
            if needle in words or needle in (entry / "environ").read_bytes():
                found.append(words.replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def until_nothing_is_left(directory: Path) -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while left := mentioning(directory):
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
