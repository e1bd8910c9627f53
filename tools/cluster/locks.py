"""One run at a time does each piece of work.

Locks are held by the kernel for an open file, so a killed run leaves none behind.
"""

import contextlib
import fcntl
from collections.abc import Iterator

from tools.cluster import places, progress


@contextlib.contextmanager
def held(name: str, *, where: places.Places, report: progress.Reporter) -> Iterator[None]:
    """Holds the lock `name` for the block, waiting for another run that holds it."""
    where.locks.mkdir(parents=True, exist_ok=True)
    with (where.locks / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with report.step(f"waiting for another run that works on {name}"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
