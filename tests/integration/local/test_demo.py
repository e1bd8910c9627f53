"""`make demo` as a process: it plays, it tells, and it leaves nothing behind, however it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import leftovers
import pytest

from matchfleet_local import demo as demos
from matchfleet_local import servers
from matchfleet_local.demo import children, errors, starting, topology

START_WITHIN_S = 150.0


@pytest.fixture
def directory() -> Iterator[Path]:
    # Not pytest's own: the account that the datastores run as could not pass.
    path = Path("/tmp") / f"matchfleet-demo-test-{os.getpid()}-{time.monotonic_ns()}"  # noqa: S108
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)


def start(directory: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "matchfleet_local.demo", "--directory", str(directory), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(demo: "subprocess.Popen[str]", words: str) -> None:
    assert demo.stdout is not None
    for line in demo.stdout:
        if words in line:
            return
    raise AssertionError(f"it ended with {demo.wait()} before it said {words!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_demo_that_is_stopped_leaves_nothing(directory: Path, number: signal.Signals) -> None:
    demo = start(directory)
    read_until(demo, "is ready")
    assert leftovers.mentioning(directory)
    demo.send_signal(number)
    demo.communicate(timeout=60)
    assert demo.returncode == (-number if number == signal.SIGKILL else 130)
    leftovers.until_nothing_is_left(directory)
    # What was killed left its files, which the next run clears.
    assert directory.exists() == (number == signal.SIGKILL)


async def test_a_second_demo_in_the_same_directory_is_refused(directory: Path) -> None:
    with starting.held(directory), pytest.raises(errors.DirectoryBusy, match="--directory"):
        async with demos.running(directory):
            pass


async def test_a_part_that_keeps_crashing_fails_the_start_with_its_last_words(
    directory: Path,
) -> None:
    plan = topology.Process(
        "broken",
        ("-c", "raise SystemExit('MATCHFLEET_POSTGRES_DSN is missing')"),
        {},
        ready_url="http://127.0.0.1:9/readyz",
    )
    told: list[str] = []
    async with aiohttp.ClientSession() as session:
        it = demos.Product(
            files=topology.Files(directory),
            ports=topology.ports(tuple(range(len(topology.listeners())))),
            stores=servers.Datastores({}),
            session=session,
            announce=told.append,
            failed=asyncio.get_running_loop().create_future(),
            parts={"broken": children.Child(plan, logs=directory)},
        )
        with pytest.raises(errors.ProcessFailed, match=r"(?s)3 times.*MATCHFLEET_POSTGRES_DSN"):
            await it.start("broken")
        await it.stop_all()
    assert len(told) == 2


async def test_a_part_that_crashes_is_told_of_and_started_again(directory: Path) -> None:
    told: list[str] = []
    async with demos.running(directory, announce=told.append) as it:
        bots = it.parts["bots"]
        first = bots.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(60):
            while True:
                if bots.pid not in {first, None} and await bots.is_ready():
                    break
                await asyncio.sleep(0.1)
    assert any(line.startswith("bots ended with code -9 and is started again") for line in told)
    leftovers.until_nothing_is_left(directory)
