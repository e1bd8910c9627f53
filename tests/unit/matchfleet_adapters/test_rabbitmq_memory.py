"""The publisher in memory keeps what a real one would have confirmed, and fails when told."""

import datetime

import pytest

from matchfleet_adapters import rabbitmq
from matchfleet_contracts import events
from matchfleet_contracts.ids import EventId


def an_event(n):
    return events.event(
        events.TicketCancelled(ticket=f"t{n}", player="p"),
        event_id=EventId(f"e{n}"),
        source="/test",
        at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    )


async def test_events_are_kept_in_order():
    publisher = rabbitmq.MemoryPublisher()
    for n in range(3):
        await publisher.publish(an_event(n))
    assert publisher.published == [an_event(n) for n in range(3)]


async def test_it_fails_as_often_as_it_is_told_and_keeps_nothing_of_that():
    publisher = rabbitmq.MemoryPublisher()
    publisher.failures = 1
    with pytest.raises(rabbitmq.PublishFailed, match="e0"):
        await publisher.publish(an_event(0))
    await publisher.publish(an_event(1))
    assert publisher.published == [an_event(1)]
