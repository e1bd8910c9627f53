"""Every message ends once: handled, or kept aside with its reason; and none holds up the others."""

import asyncio
import contextlib
import datetime
import json

import aio_pika

from matchfleet_adapters import errors, rabbitmq
from matchfleet_adapters.rabbitmq import metrics
from matchfleet_contracts import events, topology
from matchfleet_contracts.ids import EventId
from matchfleet_telemetry import health

QUICK = rabbitmq.BrokerSettings(
    publish_timeout_s=5.0,
    reconnect_most_s=0.5,
    retry_first_s=0.01,
    retry_most_s=0.1,
    watch_period_s=0.3,
    unexpected_tries=3,
)


def an_event(n: int = 1) -> events.Event:
    return events.event(
        events.TicketOpened(ticket=f"t{n}", player="p", game="g", mode="m"),
        event_id=EventId(f"e{n}"),
        source="/test",
        at=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    )


class Handled:
    """A handler that notes what it saw and does what it is told."""

    def __init__(self, failing=None):
        self.ids = []
        self._failing = failing
        self._arrived = asyncio.Condition()

    async def __call__(self, event):
        if self._failing is not None:
            await self._failing(event)
        async with self._arrived:
            self.ids.append(event.id)
            self._arrived.notify_all()

    async def until(self, count, *, timeout_s=20):
        async with asyncio.timeout(timeout_s), self._arrived:
            await self._arrived.wait_for(lambda: len(set(self.ids)) >= count)


@contextlib.asynccontextmanager
async def consuming(url, handler, **options):
    options = {"settings": QUICK, **options}
    consumer = rabbitmq.Consumer(url, topology.ANALYTICS, handler, **options)
    task = asyncio.create_task(consumer.run())
    try:
        yield consumer
    finally:
        consumer.stop()
        await asyncio.wait_for(task, 40)


@contextlib.asynccontextmanager
async def publishing(url):
    async with rabbitmq.Publisher.connected(url, settings=QUICK) as publisher:
        yield publisher


async def publish_raw(url, *bodies):
    async with await rabbitmq.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        await rabbitmq.declare(channel)
        exchange = await channel.get_exchange(topology.EVENTS_EXCHANGE, ensure=False)
        for body in bodies:
            await exchange.publish(aio_pika.Message(body), routing_key="ticket.opened")


async def depth(url):
    [found] = [d for d in await rabbitmq.depths(url) if d.queue == "analytics"]
    return found


async def until(condition, *, timeout_s=20):
    """Waits for what no event announces."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def depth_is(url, messages):
    async with asyncio.timeout(20):
        while (await depth(url)).messages != messages:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_events_reach_the_handler_and_leave_the_queue(rabbitmq_url):
    handled = Handled()
    async with publishing(rabbitmq_url) as publisher, consuming(rabbitmq_url, handled):
        for n in range(20):
            await publisher.publish(an_event(n))
        await handled.until(20)
    assert handled.ids == [f"e{n}" for n in range(20)]
    assert (await depth(rabbitmq_url)).messages == 0


GOOD = json.loads(events.encode(an_event()))
POISON = {
    "not JSON": b"\x00\xff rubbish",
    "empty": b"",
    "no object": b"[1, 2]",
    "unknown type": json.dumps(GOOD | {"data": {"type": "cheat.requested"}}).encode(),
    "no id": json.dumps({k: v for k, v in GOOD.items() if k != "id"}).encode(),
    "wrong field type": json.dumps(GOOD | {"id": 7}).encode(),
    "type and data differ": json.dumps(GOOD | {"type": "match.ended"}).encode(),
    "another version": json.dumps(GOOD | {"specversion": "2.0"}).encode(),
    "deeply nested": b"[" * 30_000,
    "too large": json.dumps(GOOD | {"subject": "x" * 70_000}).encode(),
    "not a number": json.dumps(GOOD).encode().replace(b'"e1"', b"NaN"),
    "not UTF-8": json.dumps(GOOD).encode().replace(b"e1", b"\xff\xfe"),
}


async def test_poison_is_kept_with_its_reason_and_holds_up_nothing(rabbitmq_url):
    handled = Handled()
    mixed = []
    for n, body in enumerate(POISON.values()):
        mixed += [body, events.encode(an_event(n))]
    await publish_raw(rabbitmq_url, *mixed)
    async with consuming(rabbitmq_url, handled):
        await handled.until(len(POISON))
        await depth_is(rabbitmq_url, 0)
    letters = await rabbitmq.dead_letters(rabbitmq_url, topology.ANALYTICS)
    assert [letter.body for letter in letters] == list(POISON.values())
    assert all(letter.reason and letter.died for letter in letters)
    # Looking did not take them away.
    assert (await depth(rabbitmq_url)).dead == len(POISON)


async def test_what_the_handler_calls_poison_is_kept_with_its_reason(rabbitmq_url):
    async def refuse_one(event):
        if event.id == "e1":
            raise errors.Poison("the seats are of another match")

    handled = Handled(refuse_one)
    async with publishing(rabbitmq_url) as publisher, consuming(rabbitmq_url, handled):
        for n in range(3):
            await publisher.publish(an_event(n))
        await handled.until(2)
    [letter] = await rabbitmq.dead_letters(rabbitmq_url, topology.ANALYTICS)
    assert letter.reason == "the seats are of another match"
    assert events.decode(letter.body) == an_event(1)


async def test_a_handler_that_fails_unforeseen_is_tried_thrice_and_then_set_aside(rabbitmq_url):
    tries = []
    counted = metrics.HANDLER_ERRORS.labels(queue="analytics")._value
    before = counted.get()

    async def break_on_one(event):
        if event.id == "e1":
            tries.append(event.id)
            raise KeyError("seat")

    handled = Handled(break_on_one)
    async with publishing(rabbitmq_url) as publisher, consuming(rabbitmq_url, handled):
        for n in range(3):
            await publisher.publish(an_event(n))
        await handled.until(2)
    assert len(tries) == 3
    assert counted.get() == before + 3
    [letter] = await rabbitmq.dead_letters(rabbitmq_url, topology.ANALYTICS)
    assert "KeyError" in letter.reason


async def test_a_passing_error_holds_the_message_in_order_until_it_passes(rabbitmq_url):
    tries = []

    async def away_for_a_while(event):
        tries.append(event.id)
        if len(tries) < 30:
            raise errors.Unavailable(store="PostgreSQL", detail="it restarts")

    handled = Handled(away_for_a_while)
    async with publishing(rabbitmq_url) as publisher, consuming(rabbitmq_url, handled):
        for n in range(3):
            await publisher.publish(an_event(n))
        await handled.until(3)
    assert handled.ids == ["e0", "e1", "e2"]
    assert tries[:30] == ["e0"] * 30
    assert (await depth(rabbitmq_url)).dead == 0


async def test_a_handler_that_hangs_is_cut_off_and_tried_again(rabbitmq_url):
    tries = []

    async def hang_once(event):
        tries.append(event.id)
        if len(tries) == 1:
            await asyncio.Event().wait()

    settings = rabbitmq.BrokerSettings(handler_timeout_s=0.2, retry_first_s=0.01)
    handled = Handled(hang_once)
    async with (
        publishing(rabbitmq_url) as publisher,
        consuming(rabbitmq_url, handled, settings=settings),
    ):
        await publisher.publish(an_event())
        await handled.until(1)
    assert tries == ["e1", "e1"]


async def test_stopping_finishes_what_is_in_hand_and_leaves_the_rest(rabbitmq_url):
    began = asyncio.Event()
    go_on = asyncio.Event()

    async def slow(event):
        began.set()
        await go_on.wait()

    handled = Handled(slow)
    async with publishing(rabbitmq_url) as publisher:
        async with consuming(rabbitmq_url, handled) as consumer:
            for n in range(5):
                await publisher.publish(an_event(n))
            await began.wait()
            consumer.stop()
            go_on.set()
        assert handled.ids == ["e0"]
        await depth_is(rabbitmq_url, 4)


async def test_a_message_that_waits_to_be_tried_again_does_not_delay_stopping(rabbitmq_url):
    failed = asyncio.Event()

    async def away(event):
        failed.set()
        raise errors.Unavailable(store="PostgreSQL", detail="away")

    settings = rabbitmq.BrokerSettings(retry_first_s=30.0)
    async with (
        publishing(rabbitmq_url) as publisher,
        asyncio.timeout(10),
        consuming(rabbitmq_url, away, settings=settings),
    ):
        await publisher.publish(an_event())
        await failed.wait()
    await depth_is(rabbitmq_url, 1)


async def restart_while_consuming(server, url, take_away, *, settle_s=0.0):
    async def slow(event):
        await asyncio.sleep(0.002)

    handled = Handled(slow)
    board = health.Board()
    async with publishing(url) as publisher:
        await asyncio.gather(*(publisher.publish(an_event(n)) for n in range(300)))
        await asyncio.sleep(settle_s)
        async with consuming(url, handled, board=board, lanes=4):
            await handled.until(50)
            await take_away()
            await until(lambda: board.report() is not None)
            await server.start()
            await handled.until(300, timeout_s=60)
            assert board.report() is None
            await depth_is(url, 0)
    assert (await depth(url)).dead == 0


async def test_nothing_is_lost_when_the_broker_restarts(rabbitmq_server, rabbitmq_url):
    await restart_while_consuming(rabbitmq_server, rabbitmq_url, rabbitmq_server.stop)


async def test_nothing_is_lost_when_the_broker_is_killed(killable_rabbitmq):
    url = killable_rabbitmq.vhost_url("/")
    # The broker notes a new quorum queue on disk at its leisure, and tells nobody when; one that is
    # younger than that may not survive a kill.
    await restart_while_consuming(killable_rabbitmq, url, killable_rabbitmq.kill, settle_s=2.0)


async def test_a_consumer_that_the_broker_lost_is_noticed_and_replaced(rabbitmq_url):
    handled = Handled()
    async with publishing(rabbitmq_url) as publisher, consuming(rabbitmq_url, handled):
        await publisher.publish(an_event(1))
        await handled.until(1)
        # Deleting a queue cancels its consumers without closing anything.
        async with await rabbitmq.connect(rabbitmq_url) as connection:
            channel = await connection.channel()
            await channel.queue_delete("analytics")
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(rabbitmq.PublishFailed):
                    await publisher.publish(an_event(2))
                    break
        await handled.until(2)


async def test_two_consumers_share_a_queue(rabbitmq_url):
    first, second = Handled(), Handled()
    async with (
        publishing(rabbitmq_url) as publisher,
        consuming(rabbitmq_url, first, prefetch=1),
        consuming(rabbitmq_url, second, prefetch=1),
    ):
        await asyncio.gather(*(publisher.publish(an_event(n)) for n in range(40)))
        await until(lambda: len(first.ids) + len(second.ids) == 40)
    assert sorted(first.ids + second.ids) == sorted(f"e{n}" for n in range(40))
    assert first.ids
    assert second.ids
