"""Turns: claims overtake what can wait, and what can wait is never kept waiting for ever."""

import asyncio

import pytest

from matchfleet_operator.acting.turns import Turns, Urgency

NOW, LATER = Urgency.NOW, Urgency.LATER


async def settled() -> None:
    """Lets every task that can run, run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def taking(turns: Turns, urgency: Urgency, log: list[str], name: str) -> asyncio.Task[None]:
    async def take() -> None:
        await turns.take(urgency)
        log.append(name)

    task = asyncio.create_task(take())
    await settled()
    return task


async def test_no_more_run_at_once_than_there_are_places():
    turns, log = Turns(at_once=2), []
    tasks = [await taking(turns, NOW, log, str(n)) for n in range(3)]
    assert log == ["0", "1"]
    turns.give(NOW)
    await settled()
    assert log == ["0", "1", "2"]
    await asyncio.gather(*tasks)


async def test_a_claim_overtakes_what_can_wait():
    turns, log = Turns(at_once=4), []
    for n in range(4):
        await taking(turns, NOW, log, f"claim {n}")
    await taking(turns, LATER, log, "refill 0")
    waiting = [await taking(turns, LATER, log, f"refill {n}") for n in (1, 2)]
    await taking(turns, NOW, log, "claim 4")
    log.clear()
    turns.give(NOW)
    await settled()
    assert log == ["claim 4"]
    for task in waiting:
        task.cancel()


async def test_a_flood_of_claims_leaves_a_place_to_what_can_wait():
    turns, log = Turns(at_once=4), []
    for n in range(9):
        await taking(turns, NOW, log, f"claim {n}")
    await taking(turns, LATER, log, "refill")
    assert "refill" in log


async def test_without_claims_what_can_wait_has_every_place():
    turns, log = Turns(at_once=4), []
    for n in range(5):
        await taking(turns, LATER, log, str(n))
    assert len(log) == 4


async def test_who_gives_up_waiting_takes_no_place_with_him():
    turns, log = Turns(at_once=1), []
    await taking(turns, NOW, log, "first")
    gone = await taking(turns, NOW, log, "gone")
    await taking(turns, NOW, log, "second")
    gone.cancel()
    await settled()
    turns.give(NOW)
    await settled()
    assert log == ["first", "second"]
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_who_is_cancelled_as_his_turn_comes_passes_it_on():
    turns, log = Turns(at_once=1), []
    await taking(turns, NOW, log, "first")
    gone = await taking(turns, NOW, log, "gone")
    await taking(turns, NOW, log, "second")
    turns.give(NOW)
    gone.cancel()
    await settled()
    assert log == ["first", "second"]
