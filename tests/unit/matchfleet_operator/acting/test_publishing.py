"""While the broker is away, one publication tries and the others fail at once."""

import asyncio

import pytest

from matchfleet_adapters import errors as adapter_errors
from matchfleet_operator.acting.publishing import REST_S, Fuse
from matchfleet_operator.planning import ends
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at

EVENT = ends.event(builders.a_claim(), ends.failed("ServerLost", "x", at(0)))


class Broker:
    def __init__(self) -> None:
        self.asked = 0
        self.answer = asyncio.Event()
        self.is_up = False

    async def publish(self, event) -> None:
        self.asked += 1
        await self.answer.wait()
        if not self.is_up:
            raise adapter_errors.PublishFailed(event_id=event.id, detail="away")


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def failing(fuse: Fuse) -> None:
    with pytest.raises(adapter_errors.PublishFailed):
        await fuse.publish(EVENT)


async def test_a_broker_that_is_away_is_asked_by_one_at_a_time_and_not_too_often():
    broker, time = Broker(), Time()
    fuse = Fuse(broker, monotonic=time)
    broker.answer.set()
    await failing(fuse)
    await failing(fuse)
    assert broker.asked == 1
    time.now = REST_S
    broker.answer.clear()
    trying = asyncio.create_task(failing(fuse))
    await asyncio.sleep(0)
    await failing(fuse)
    assert broker.asked == 2
    broker.answer.set()
    await trying


async def test_a_broker_that_is_back_is_asked_by_all_again():
    broker, time = Broker(), Time()
    fuse = Fuse(broker, monotonic=time)
    broker.answer.set()
    await failing(fuse)
    broker.is_up = True
    time.now = REST_S
    await fuse.publish(EVENT)
    await fuse.publish(EVENT)
    assert broker.asked == 3


async def test_while_all_is_well_nobody_waits_for_another():
    broker = Broker()
    fuse = Fuse(broker)
    broker.is_up = True
    trying = [asyncio.create_task(fuse.publish(EVENT)) for _ in range(5)]
    await asyncio.sleep(0)
    assert broker.asked == 5
    broker.answer.set()
    await asyncio.gather(*trying)
