"""A process is known by its pid and its start time, never by its pid alone."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from matchfleet_local.servers import processes, server

SLEEPER = (sys.executable, "-c", "import signal; signal.pause()")


def started(argv: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(argv, stdout=subprocess.PIPE)


def marked(mark: str) -> list[int]:
    """Processes whose command line holds a word."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, NotADirectoryError):
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def test_a_stat_line_is_read_past_a_name_with_brackets() -> None:
    line = "42 (a) b (c)) S 7 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 987 0 0"
    assert processes.parse(line) == processes.Status(state="S", parent=7, start_time=987)


def test_this_very_process_is_alive_and_a_namesake_is_not() -> None:
    mine = processes.identify(os.getpid())
    assert mine
    assert processes.is_alive(mine)
    assert not processes.is_alive(dataclasses.replace(mine, start_time=mine.start_time + 1))


async def test_a_namesake_is_never_signalled() -> None:
    with started(SLEEPER) as child:
        known = processes.identify(child.pid)
        assert known
        stranger = dataclasses.replace(known, start_time=known.start_time - 1)
        await processes.end(stranger, asking=signal.SIGKILL, within_s=1)
        assert child.poll() is None
        await processes.kill((known,))
        assert child.wait() == -signal.SIGKILL


async def test_a_process_that_ignores_the_asking_is_forced() -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); signal.pause()"
    with started((sys.executable, "-c", deaf)) as child:
        assert child.stdout
        await asyncio.to_thread(child.stdout.readline)
        known = processes.identify(child.pid)
        assert known
        await processes.end(known, asking=signal.SIGTERM, within_s=0.05)
        assert child.wait() == -signal.SIGKILL


async def test_a_family_that_still_grows_is_ended_whole() -> None:
    mark = f"grows-{os.getpid()}"
    grows = (
        "import os, sys, time\n"
        "print(flush=True)\n"
        "for _ in range(300):\n"
        "    os.fork() or (os.setsid(), time.sleep(60))\n"
        "    time.sleep(0.002)\n"
    )
    with started((sys.executable, "-c", grows, mark)) as child:
        assert child.stdout
        await asyncio.to_thread(child.stdout.readline)
        known = processes.identify(child.pid)
        assert known
        await processes.fell(known)
        assert child.wait() == -signal.SIGKILL
    assert not marked(mark)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "start_time": 2}'])
def test_a_torn_pid_file_names_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.pid.json").write_text(text)
    assert server.read_pid_file(tmp_path / "x.pid.json") is None
