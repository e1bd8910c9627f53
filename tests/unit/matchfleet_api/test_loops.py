import asyncio
import os
import signal

import pytest

from matchfleet_adapters import errors
from matchfleet_api import loops, metrics


async def rounds(work, *, until, **options):
    """Run rounds until a condition holds."""
    task = asyncio.create_task(loops.forever("test", work, loops.Pace(0.001, 0.002), **options))
    async with asyncio.timeout(5):
        await until.wait()
    task.cancel()
    await asyncio.wait({task})


@pytest.mark.parametrize("error", [errors.Unavailable(store="X", detail="y"), ValueError("z")])
async def test_a_round_that_fails_is_counted_and_does_not_end_the_task(error):
    tried, done = [], asyncio.Event()

    async def work():
        tried.append(1)
        if len(tried) == 1:
            raise error
        done.set()

    before = metrics.TASK_FAILED.labels("test")._value.get()
    await rounds(work, until=done)
    assert metrics.TASK_FAILED.labels("test")._value.get() == before + 1


async def test_a_round_with_more_to_do_is_followed_at_once():
    left, done = [3, 2, 1], asyncio.Event()

    async def work():
        left.pop()
        if not left:
            done.set()
        return bool(left)

    task = asyncio.create_task(loops.forever("test", work, loops.Pace(3600.0)))
    async with asyncio.timeout(5):
        await done.wait()
    task.cancel()
    await asyncio.wait({task})


async def test_a_sleeping_task_is_woken():
    wake, seen = asyncio.Event(), asyncio.Queue()

    async def work():
        seen.put_nowait(1)

    task = asyncio.create_task(loops.forever("test", work, loops.Pace(3600.0), wake=wake))
    async with asyncio.timeout(5):
        for _ in range(3):
            await seen.get()
            wake.set()
    task.cancel()
    await asyncio.wait({task})


async def test_a_process_that_is_told_to_stop_stops_its_work():
    stopped = []

    async def work():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            stopped.append(1)

    async with asyncio.timeout(5):
        await loops.until_told(work())
    assert stopped == [1]


async def test_work_that_fails_tells_it():
    async def work():
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await loops.until_told(work())
