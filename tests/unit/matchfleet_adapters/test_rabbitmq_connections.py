"""Waits grow and are bounded; an error says what it is and no password; strangers cancel nobody."""

import asyncio

import pytest

from matchfleet_adapters import errors
from matchfleet_adapters.rabbitmq import connections


def test_waits_double_up_to_their_bound_and_start_again_after_a_reset():
    waits = connections.Backoff(first_s=1.0, most_s=4.0)
    taken = [waits.next_s() for _ in range(4)]
    for wait_s, longest_s in zip(taken, (1.0, 2.0, 4.0, 4.0), strict=True):
        assert 0.7 * longest_s <= wait_s <= longest_s
    waits.reset()
    assert waits.next_s() <= 1.0


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ValueError("no"), "ValueError: no"),
        (TimeoutError(), "TimeoutError: TimeoutError()"),
        (errors.Poison("bad seats"), "bad seats"),
        (ExceptionGroup("several", [ExceptionGroup("x", [KeyError("k")])]), "KeyError: 'k'"),
    ],
    ids=["its words", "its kind when it has none", "our own words alone", "the first of a group"],
)
def test_an_error_is_told_in_a_sentence(error, says):
    assert connections.sentence(error) == says


async def test_a_cancellation_that_nobody_asked_for_is_an_error():
    pending = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(pending.cancel)
    with pytest.raises(errors.Unavailable, match="died"):
        await connections.unless_it_dies(pending)


async def test_a_cancellation_that_was_asked_for_stays_one():
    began = asyncio.Event()

    async def wait():
        began.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(connections.unless_it_dies(wait()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_bound_on_time_stays_one():
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await connections.unless_it_dies(asyncio.Event().wait())


async def test_background_work_is_over_when_its_block_is():
    over = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            over.append(True)

    async with connections.in_background(work(), name="work"):
        await asyncio.sleep(0)
    assert over == [True]
