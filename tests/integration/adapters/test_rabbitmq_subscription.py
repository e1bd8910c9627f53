"""A subscription sees what happens while it stands, and says when it stands again."""

import asyncio
import contextlib
import datetime

from matchfleet_adapters import rabbitmq
from matchfleet_contracts import events
from matchfleet_contracts.ids import EventId

QUICK = rabbitmq.BrokerSettings(reconnect_most_s=0.5, watch_period_s=0.5)


def an_event(data: events.EventData, n: int) -> events.Event:
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return events.event(data, event_id=EventId(f"e{n}"), source="/test", at=at)


OPENED = events.TicketOpened(ticket="t", player="p", game="g", mode="m")
READY = events.MatchReady(match="m", match_uid="u", pod_uid="p", url="ws://127.0.0.1:1")
CREATED = events.MatchCreated(match="m", game="g", mode="m", region="r", players=[])


@contextlib.asynccontextmanager
async def subscribed(url, patterns, handler):
    standing: asyncio.Queue[bool] = asyncio.Queue()

    async def established():
        standing.put_nowait(True)

    task = asyncio.create_task(
        rabbitmq.subscribe_exclusive(
            url, patterns, handler, on_established=established, settings=QUICK
        )
    )
    try:
        await asyncio.wait_for(standing.get(), 10)
        yield standing
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_each_subscription_sees_every_event_that_it_asked_for(rabbitmq_url):
    seen = [asyncio.Queue(), asyncio.Queue()]
    async with (
        subscribed(rabbitmq_url, ["ticket.#", "match.ready"], seen[0].put),
        subscribed(rabbitmq_url, ["ticket.#", "match.ready"], seen[1].put),
        rabbitmq.Publisher.connected(rabbitmq_url) as publisher,
    ):
        for n, data in enumerate([OPENED, CREATED, READY]):
            await publisher.publish(an_event(data, n))
        for queue in seen:
            found = [(await asyncio.wait_for(queue.get(), 10)).type for _ in range(2)]
            assert found == ["ticket.opened", "match.ready"]


async def test_a_handler_that_fails_does_not_end_the_subscription(rabbitmq_url):
    seen = asyncio.Queue()

    async def handler(event):
        if event.id == "e0":
            raise KeyError("bug")
        await seen.put(event)

    async with (
        subscribed(rabbitmq_url, ["#"], handler),
        rabbitmq.Publisher.connected(rabbitmq_url) as publisher,
    ):
        await publisher.publish(an_event(OPENED, 0))
        await publisher.publish(an_event(OPENED, 1))
        assert (await asyncio.wait_for(seen.get(), 10)).id == "e1"


async def test_it_stands_again_after_the_broker_restarted_and_says_so(
    rabbitmq_server, rabbitmq_url
):
    seen = asyncio.Queue()
    async with (
        subscribed(rabbitmq_url, ["ticket.#"], seen.put) as standing,
        rabbitmq.Publisher.connected(rabbitmq_url, settings=QUICK) as publisher,
    ):
        await publisher.publish(an_event(OPENED, 0))
        await asyncio.wait_for(seen.get(), 10)
        await rabbitmq_server.stop()
        await rabbitmq_server.start()
        await asyncio.wait_for(standing.get(), 30)
        await publisher.publish(an_event(OPENED, 1))
        assert (await asyncio.wait_for(seen.get(), 10)).id == "e1"
