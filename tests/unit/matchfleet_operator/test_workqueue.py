"""The queue: each key once, never twice at work, later when it fails."""

import asyncio

import pytest

from matchfleet_operator.workqueue import MOST_RETRY_S, WorkQueue


@pytest.fixture
async def queue() -> WorkQueue[str]:
    return WorkQueue(jitter=lambda: 1.0)


async def test_a_key_waits_once_however_often_it_is_added(queue):
    for key in ("a", "b", "a"):
        queue.add(key)
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert len(queue) == 0


async def test_a_key_that_comes_while_it_is_worked_on_comes_again_afterwards(queue):
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done(key)
    assert await queue.get() == "a"


async def test_a_key_that_is_due_later_comes_then_and_the_earliest_time_holds(queue):
    queue.add_in("a", 30)
    queue.add_in("a", 0.01)
    queue.add_in("a", 20)
    assert len(queue) == 0
    assert await asyncio.wait_for(queue.get(), 5) == "a"


async def test_a_key_that_was_due_later_and_came_sooner_is_not_due_any_more(queue):
    queue.add_in("a", 0.01)
    queue.add("a")
    queue.done(await queue.get())
    queue.add_in("b", 0.03)
    assert await queue.get() == "b"
    assert len(queue) == 0


async def test_what_fails_comes_back_later_each_time_up_to_a_bound(queue):
    delays = [queue.retry("a") for _ in range(14)]
    assert delays[:4] == [0.05, 0.1, 0.2, 0.4]
    assert max(delays) == MOST_RETRY_S
    queue.succeeded("a")
    assert queue.retry("a") == 0.05


async def test_it_is_idle_when_nothing_waits_and_nothing_is_at_work(queue):
    assert queue.is_idle
    queue.add("a")
    assert not queue.is_idle
    key = await queue.get()
    assert not queue.is_idle
    queue.done(key)
    assert queue.is_idle


async def test_what_comes_while_a_key_rests_comes_once_after_the_rest(queue):
    queue.add("a")
    key = await queue.get()
    queue.done(key, rest_s=0.02)
    for _ in range(3):
        queue.add("a")
    assert len(queue) == 0
    assert await asyncio.wait_for(queue.get(), 5) == "a"
    queue.done("a")
    assert queue.is_idle


async def test_each_key_wakes_one_worker_and_a_worker_that_gives_up_wakes_another(queue):
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.add("a")
    workers[0].cancel()
    assert await asyncio.wait_for(workers[1], 5) == "a"
    queue.add("b")
    assert await asyncio.wait_for(workers[2], 5) == "b"
