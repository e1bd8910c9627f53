"""A publish returns when the broker has the event, and fails within its bound when it has not."""

import asyncio
import datetime
import time

import aio_pika
import pytest

from matchfleet_adapters import errors, rabbitmq
from matchfleet_contracts import events, topology
from matchfleet_contracts.ids import EventId
from matchfleet_telemetry import health

QUICK = rabbitmq.BrokerSettings(publish_timeout_s=2.0, reconnect_most_s=0.5)


def an_event(n: int = 1) -> events.Event:
    return events.event(
        events.TicketOpened(ticket=f"t{n}", player="p", game="g", mode="m"),
        event_id=EventId(f"e{n}"),
        source="/test",
        at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    )


async def bodies(url: str, queue: str) -> list[bytes]:
    connection = await rabbitmq.connect(url)
    async with connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue, ensure=False)
        found = []
        while (message := await source.get(no_ack=True, fail=False)) is not None:
            found.append(message.body)
        return found


async def test_an_event_is_in_its_queues_when_publish_returns(rabbitmq_url):
    async with rabbitmq.Publisher.connected(rabbitmq_url) as publisher:
        await publisher.publish(an_event())
        assert [events.decode(b) for b in await bodies(rabbitmq_url, "analytics")] == [an_event()]
        assert await bodies(rabbitmq_url, "ranking") == []


async def test_many_publishes_are_in_flight_at_once(rabbitmq_url):
    patient = rabbitmq.BrokerSettings(publish_timeout_s=60.0)
    async with rabbitmq.Publisher.connected(rabbitmq_url, settings=patient) as publisher:
        await publisher.publish(an_event(0))
        await asyncio.gather(*(publisher.publish(an_event(n)) for n in range(1, 500)))
    assert len(await bodies(rabbitmq_url, "analytics")) == 500


async def test_the_same_event_may_be_in_flight_twice(rabbitmq_url):
    async with rabbitmq.Publisher.connected(rabbitmq_url) as publisher:
        await asyncio.gather(*(publisher.publish(an_event()) for _ in range(20)))
    assert len(await bodies(rabbitmq_url, "analytics")) == 20


async def test_an_event_that_no_queue_wants_is_not_taken_for_published(rabbitmq_url):
    async with rabbitmq.Publisher.connected(rabbitmq_url, settings=QUICK) as publisher:
        await publisher.publish(an_event())
        async with await rabbitmq.connect(rabbitmq_url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue("analytics", ensure=False)
            await queue.unbind(topology.EVENTS_EXCHANGE, routing_key="ticket.#")
        with pytest.raises(rabbitmq.PublishFailed, match="e1"):
            await publisher.publish(an_event())


async def test_a_passing_event_goes_to_those_who_listen_and_needs_nobody_to(rabbitmq_url):
    depth = events.event(
        events.QueueDepth("g", "m", {"eu": events.RegionDepth(3, ["g-eu"])}),
        event_id=EventId("d"),
        source="/test",
        at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    )
    heard: asyncio.Queue[events.Event] = asyncio.Queue()
    listening = asyncio.Event()

    async def established() -> None:
        listening.set()

    async with rabbitmq.Publisher.connected(rabbitmq_url, settings=QUICK) as publisher:
        await publisher.publish(depth)
        listener = asyncio.create_task(
            rabbitmq.subscribe_exclusive(
                rabbitmq_url, ["queue.depth"], heard.put, on_established=established
            )
        )
        try:
            async with asyncio.timeout(10):
                await listening.wait()
                await publisher.publish(depth)
                assert await heard.get() == depth
        finally:
            listener.cancel()
    assert await bodies(rabbitmq_url, "analytics") == []


async def test_a_publish_without_a_broker_fails_within_its_bound(rabbitmq_server, rabbitmq_url):
    board = health.Board()
    async with rabbitmq.Publisher.connected(
        rabbitmq_url, name="out", settings=QUICK, board=board
    ) as publisher:
        await publisher.publish(an_event())
        assert board.report() is None
        await rabbitmq_server.stop()
        began = time.monotonic()
        with pytest.raises(rabbitmq.PublishFailed):
            await publisher.publish(an_event())
        assert time.monotonic() - began < 2.5
        assert "out" in (board.report() or "")

        await rabbitmq_server.start()
        async with asyncio.timeout(20):
            while True:
                try:
                    await publisher.publish(an_event(2))
                except rabbitmq.PublishFailed:
                    continue
                break
        assert board.report() is None
    assert an_event(2) in [events.decode(b) for b in await bodies(rabbitmq_url, "analytics")]


async def test_publishes_in_flight_when_the_broker_dies_fail_or_were_confirmed(
    killable_rabbitmq,
):
    url = killable_rabbitmq.vhost_url("/")
    confirmed: list[int] = []
    some = asyncio.Event()

    async def one(publisher: rabbitmq.Publisher, n: int) -> None:
        try:
            await publisher.publish(an_event(n))
        except rabbitmq.PublishFailed:
            return
        confirmed.append(n)
        if len(confirmed) == 50:
            some.set()

    async with rabbitmq.Publisher.connected(url, settings=QUICK) as publisher:
        await publisher.publish(an_event(0))
        # The broker notes a new quorum queue on disk at its leisure (measured with 3.10: a kill
        # within the first half second leaves a queue that answers nothing), and tells nobody when.
        await asyncio.sleep(2)
        async with asyncio.TaskGroup() as group:
            for n in range(1, 2000):
                group.create_task(one(publisher, n))
            await some.wait()
            await killable_rabbitmq.kill()
    assert len(confirmed) < 1999
    await killable_rabbitmq.start()
    kept = {events.decode(b).id for b in await bodies(url, "analytics")}
    assert {f"e{n}" for n in confirmed} <= kept


async def test_wrong_credentials_are_told_without_the_password(rabbitmq_url):
    wrong = rabbitmq_url.replace(rabbitmq_url.split("@")[0], "amqp://nobody:s3cret")
    with pytest.raises(errors.Unavailable) as caught:
        await rabbitmq.connect(wrong)
    assert "s3cret" not in str(caught.value)


async def test_a_queue_declared_otherwise_keeps_the_publisher_from_being_ready(rabbitmq_url):
    async with await rabbitmq.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("ranking", durable=True)
    board = health.Board()
    async with rabbitmq.Publisher.connected(
        rabbitmq_url, name="out", settings=QUICK, board=board
    ) as publisher:
        with pytest.raises(rabbitmq.PublishFailed):
            await publisher.publish(an_event())
        assert "PRECONDITION" in (board.report() or "").upper()


async def test_declaring_twice_is_harmless(rabbitmq_url):
    async with await rabbitmq.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        await rabbitmq.declare(channel)
        await rabbitmq.declare(channel)
        assert isinstance(channel, aio_pika.abc.AbstractChannel)
