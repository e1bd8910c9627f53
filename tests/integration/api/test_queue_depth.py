"""A matchmaker with a real PostgreSQL and a real RabbitMQ tells how many wait."""

import asyncio
import contextlib
import itertools

import msgspec
import pytest
from tickets import QUEUE_ENTRY

from matchfleet_adapters import rabbitmq
from matchfleet_adapters.kubernetes import memory
from matchfleet_adapters.postgres import pool
from matchfleet_api import clock, settings
from matchfleet_api.matchmaking import process, queues
from matchfleet_contracts import clock as clock_of

# Nobody finds 63 others, and no bot comes to help.
ENTRY = QUEUE_ENTRY | {"bot_after_s": None, "team_size": 32}
PERIOD_S = 0.3


class Told:
    """What was told of the queue, in order, with its time."""

    def __init__(self):
        self.events = []
        self._more = asyncio.Event()
        self.listening = asyncio.Event()

    async def established(self):
        self.listening.set()

    async def hear(self, event):
        by_region = {region: told.players for region, told in event.data.regions.items()}
        self.events.append((clock_of.parse_rfc3339(event.time).timestamp(), by_region))
        self._more.set()

    async def until(self, **wanted):
        """Waits until the number is told; how many were told by then."""
        async with asyncio.timeout(15):
            while not self.events or self.events[-1][1] != wanted:
                self._more.clear()
                await self._more.wait()
        return len(self.events)


@pytest.fixture
async def database(postgres_dsn):
    found = await pool.open_database(postgres_dsn, pool.PoolSettings(max_size=8))
    yield found
    await found.close()


@pytest.fixture
async def told(postgres_dsn, rabbitmq_url, database, tmp_path):
    """A matchmaker at work, and an ear for what it tells."""
    found = queues.parse(msgspec.json.encode({"queues": [ENTRY]}))
    config = settings.Matchmaker(
        postgres_dsn=postgres_dsn,
        rabbitmq_url=rabbitmq_url,
        queues_file=tmp_path / "queues.json",
        poll_ms=20,
        depth_period_seconds=PERIOD_S,
        depth_repeat_seconds=60,
    )
    ear = Told()
    async with contextlib.AsyncExitStack() as stack:
        listener = asyncio.create_task(
            rabbitmq.subscribe_exclusive(
                rabbitmq_url, ["queue.depth"], ear.hear, on_established=ear.established
            )
        )
        stack.callback(listener.cancel)
        async with asyncio.timeout(15):
            await ear.listening.wait()
        publisher = await stack.enter_async_context(rabbitmq.Publisher.connected(rabbitmq_url))
        parts = process.Parts(database, memory.MemoryMatches(), publisher, found)
        working = asyncio.create_task(process.work(config, parts))
        stack.callback(working.cancel)
        yield ear


async def queue_up(database, count, *, region="eu"):
    """So many players join the queue; their tickets."""
    tickets = [clock.new_id() for _ in range(count)]
    async with database.connection() as held:
        await held.execute(
            "WITH made AS (INSERT INTO players (id, name, kind) "
            "SELECT id, 'P', 'guest' FROM unnest($1::uuid[]) id RETURNING id) "
            "INSERT INTO tickets "
            "(id, player_id, game, mode, rating, rtt_ms, queued_at, expires_at) "
            "SELECT id, id, 'airhockey', 'blitz', 1000, json_build_object($2::text, 20)::jsonb, "
            "now(), now() + interval '5 minutes' FROM made",
            tickets,
            region,
        )
    return tickets


async def leave(database, tickets):
    async with database.connection() as held:
        await held.execute(
            "UPDATE tickets SET state = 'cancelled', changed_at = now() WHERE id = ANY($1)", tickets
        )


async def test_who_queues_and_who_leaves_is_told_by_region(database, told):
    await told.until(eu=0, us=0)
    tickets = await queue_up(database, 1)
    await told.until(eu=1, us=0)
    tickets += await queue_up(database, 1, region="us")
    await told.until(eu=1, us=1)
    await leave(database, tickets)
    await told.until(eu=0, us=0)


async def test_a_crowd_is_not_told_one_by_one(database, told):
    await told.until(eu=0, us=0)
    for _ in range(20):
        await queue_up(database, 1)
        await asyncio.sleep(0.02)
    await told.until(eu=20, us=0)
    times = [at for at, _ in told.events]
    assert all(later - before >= PERIOD_S - 0.001 for before, later in itertools.pairwise(times))
