"""A small world in PostgreSQL to record ends in, and workers to record them."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field

import asyncpg
import pytest
import uuid_utils

from matchfleet_adapters import rabbitmq
from matchfleet_adapters.postgres import pool
from matchfleet_adapters.redis import connection as redis_connection
from matchfleet_adapters.redis import ladders as views
from matchfleet_contracts import events, ids, results, topology
from matchfleet_contracts.ids import MatchId, PlayerId
from matchfleet_workers import clock
from matchfleet_workers.analytics import keeping
from matchfleet_workers.ranking import recording

GAME, MODE, REGION = "airhockey", "blitz", "eu"
QUICK = rabbitmq.BrokerSettings(
    reconnect_most_s=0.5, retry_first_s=0.02, retry_most_s=0.3, watch_period_s=1.0
)


def new_id():
    return str(uuid_utils.uuid7())


@dataclass
class AMatch:
    """What a test knows about a match that it made."""

    id: MatchId
    players: list[PlayerId]
    uid: str
    tickets: list[str] = field(default_factory=list)

    def result(self, *ranks, **changes):
        ranks = ranks or (1, 2)
        standings = [
            results.Standing(seat=seat, rank=rank, score=10 - rank)
            for seat, rank in enumerate(ranks)
        ]
        fields = {
            "match_uid": self.uid,
            "outcome": results.Outcome.COMPLETED,
            "standings": standings,
            "ticks": 1200,
            "tick_hz": 60,
            "achieved_hz": 60.0,
            "late_ticks": 0,
        }
        return results.Result(**(fields | changes))

    def ended(self, *ranks, at=None, **changes):
        fields = {
            "match": ids.match_name(self.id),
            "match_uid": self.uid,
            "ended_as": events.EndedAs.COMPLETED,
            "game": GAME,
            "mode": MODE,
            "region": REGION,
            "humans": 2,
            "bots": 0,
            "result": self.result(*ranks),
        }
        data = events.MatchEnded(**(fields | changes))
        return events.event(
            data,
            event_id=events.match_ended_id(data.match_uid),
            source="/operator",
            at=at or clock.SystemClock().now(),
        )


class World:
    """Players and matches in one database."""

    def __init__(self, connection):
        self.sql = connection

    async def reconnect(self, dsn):
        """A new connection, after PostgreSQL was away."""
        self.sql = await asyncpg.connect(dsn)
        await pool.prepare(self.sql)

    async def players(self, count):
        made = [PlayerId(new_id()) for _ in range(count)]
        await self.sql.executemany(
            "INSERT INTO players (id, name, kind) VALUES ($1, $2, 'guest')",
            [(player, f"player {n}") for n, player in enumerate(made)],
        )
        return made

    async def match(
        self, players=None, *, state="ready", uid="", ranked=True, live=True, tickets=False
    ):
        """A match of two; `players` may hold None for a bot."""
        players = players or await self.players(2)
        made = AMatch(MatchId(new_id()), players, uid=uid or f"uid-{new_id()}")
        await self.sql.execute(
            "INSERT INTO matches (id, game, mode, region, ranked, spec, spec_digest, state, uid,"
            " not_after) VALUES ($1, $2, $3, $4, $5, '{}', '', $6, $7, now())",
            made.id,
            GAME,
            MODE,
            REGION,
            ranked,
            state,
            None if uid is None else made.uid,
        )
        for player in filter(None, players if tickets else []):
            made.tickets.append(new_id())
            await self.sql.execute(
                "INSERT INTO tickets (id, player_id, game, mode, rating, rtt_ms, state, match_id,"
                " queued_at, expires_at) VALUES ($1, $2, $3, $4, 1500, '{}', 'proposed', $5,"
                " '2026-01-01Z', now() + interval '1 hour')",
                made.tickets[-1],
                player,
                GAME,
                MODE,
                made.id,
            )
        await self.sql.executemany(
            "INSERT INTO seats (match_id, seat, team, player_id, bot, live)"
            " VALUES ($1, $2, $2, $3, $4, $5)",
            [
                (made.id, seat, player, None if player else "medium", live)
                for seat, player in enumerate(players)
            ],
        )
        return made

    async def row(self, match):
        return dict(await self.sql.fetchrow("SELECT * FROM matches WHERE id = $1", match.id))

    async def ratings(self):
        rows = await self.sql.fetch("SELECT player_id, rating, games FROM ratings")
        return {row["player_id"]: (row["rating"], row["games"]) for row in rows}

    async def rated(self):
        """How many matches moved ratings."""
        return await self.sql.fetchval("SELECT count(DISTINCT match_id) FROM rating_ledger")

    async def outbox(self):
        rows = await self.sql.fetch("SELECT event_id, event FROM outbox ORDER BY seq")
        return {row["event_id"]: row["event"] for row in rows}

    async def audit(self, *, matches):
        """Ratings are the fold of the ledger, and each match moved each player once."""
        folded = {}
        rows = await self.sql.fetch("SELECT * FROM rating_ledger ORDER BY seq")
        for row in rows:
            before, games = folded.get(row["player_id"], (1500, 0))
            assert row["before"] == before
            assert row["after"] == before + row["delta"]
            folded[row["player_id"]] = (row["after"], games + 1)
        assert await self.ratings() == folded
        assert sum(rating for rating, _ in folded.values()) == 1500 * len(folded)
        pairs = [(row["match_id"], row["player_id"]) for row in rows]
        assert sorted(pairs) == sorted((m.id, player) for m in matches for player in m.players)

    async def until_rated(self, count, *, timeout_s=60):
        async with asyncio.timeout(timeout_s):
            while await self.rated() < count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.fixture
async def world(postgres_dsn):
    made = World(None)
    await made.reconnect(postgres_dsn)
    yield made
    await made.sql.close()


@pytest.fixture
async def database(postgres_dsn):
    opened = await pool.open_database(postgres_dsn, pool.PoolSettings(max_size=12))
    yield opened
    await opened.close()


@pytest.fixture
async def view(redis_url):
    client = redis_connection.client(redis_url, timeout_s=1.0)
    yield views.Ladders(client)
    await client.aclose()


@pytest.fixture
def recorder(database, view):
    return recording.Recorder(database, view, now=clock.SystemClock())


@pytest.fixture
async def publisher(rabbitmq_url):
    async with rabbitmq.Publisher.connected(rabbitmq_url, settings=QUICK) as connected:
        yield connected


@contextlib.asynccontextmanager
async def _consuming(url, queue, handler, *, lanes=4, settings=QUICK):
    consumer = rabbitmq.Consumer(url, queue, handler, lanes=lanes, settings=settings)
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        consumer.stop()
        await asyncio.wait_for(task, 40)


@pytest.fixture
def ranking(rabbitmq_url, recorder):
    """Runs one more ranking consumer for the length of a block."""
    return lambda: _consuming(rabbitmq_url, topology.RANKING, recorder.handle)


@pytest.fixture
def analytics(rabbitmq_url, database):
    """Runs one more analytics consumer for the length of a block."""
    handle = keeping.Keeper(database).handle
    return lambda: _consuming(rabbitmq_url, topology.ANALYTICS, handle)


@pytest.fixture
def environment(postgres_dsn, redis_url, rabbitmq_url):
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("MATCHFLEET_")},
        "MATCHFLEET_POSTGRES_DSN": postgres_dsn,
        "MATCHFLEET_REDIS_URL": redis_url,
        "MATCHFLEET_RABBITMQ_URL": rabbitmq_url,
        "MATCHFLEET_METRICS_PORT": "0",
        "MATCHFLEET_WAIT_SECONDS": "30",
    }


class Process:
    """A worker as it is run in an install; its log is kept for when a test fails."""

    def __init__(self, process):
        self._process = process

    async def kill(self):
        """Takes it away in the middle of whatever it does."""
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self, *, timeout_s=30):
        """Its exit code after SIGTERM."""
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self._process.wait(), timeout_s)


@pytest.fixture
def run_worker(environment):
    """Runs `python -m matchfleet_workers <worker>` for the length of a block."""

    @contextlib.asynccontextmanager
    async def run(worker, **settings):
        extra = {f"MATCHFLEET_{name.upper()}": str(value) for name, value in settings.items()}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "matchfleet_workers", worker, env=environment | extra
        )
        try:
            yield Process(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return run
