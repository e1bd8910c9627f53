"""How an operator's tasks end."""

import asyncio

from matchfleet_operator import app


async def test_a_task_that_misses_a_cancellation_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(app, "CANCEL_AGAIN_S", 0.001)
    missed = []

    async def tries_again_for_ever() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if missed:
                    raise
                # As when a request fails in the moment in which its task is cancelled.
                missed.append(True)

    task = asyncio.create_task(tries_again_for_ever())
    await asyncio.sleep(0)
    await app._until_over([task])
    assert task.cancelled()
    assert missed


async def test_tasks_that_broke_are_over():
    async def breaks() -> None:
        raise ValueError

    task = asyncio.create_task(breaks())
    await asyncio.sleep(0)
    await app._until_over([task])
    assert isinstance(task.exception(), ValueError)
