"""Tests that run with nothing beside them, where pytest runs several processes (`-n`).

`@pytest.mark.alone` is for a test that disturbs what others share (a story that takes a broker
away from the one cluster, a figure that is only true of a quiet machine). It waits for the tests
that run, none begins while it waits or runs, and then they go on. Stories on `local` need none of
that: each process has an install of its own.

Two locks of the kernel do it, in a folder that the processes of one run share, so that a process
which dies frees them: whoever begins passes the turnstile, and holds the floor while it runs.
"""

import contextlib
import fcntl
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

MARK = "alone"


def folder_of(config: pytest.Config) -> Path | None:
    """What the processes of this run share; None where there is one process, or nothing shared."""
    if not hasattr(config, "workerinput") or config.getoption("--substrate", None) == "local":
        return None
    # Each process has its own folder for temporary files, in that of the run.
    return Path(config.option.basetemp).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the floor while the test runs, its fixtures included."""
    folder = folder_of(item.config)
    if folder is None:
        return (yield)
    with on_the_floor(folder, alone=item.get_closest_marker(MARK) is not None):
        return (yield)


@contextlib.contextmanager
def on_the_floor(folder: Path, *, alone: bool) -> Iterator[None]:
    """Be on the floor for the time of the block, with others or alone."""
    with (folder / "turnstile").open("a") as turnstile, (folder / "floor").open("a") as floor:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        fcntl.flock(floor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(turnstile, fcntl.LOCK_UN)
        yield
