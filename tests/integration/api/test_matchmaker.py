import asyncio
import datetime
import random

import asyncpg
import msgspec
import pytest
from tickets import QUEUE_ENTRY

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import memory
from matchfleet_adapters.postgres import matches, pool
from matchfleet_adapters.rabbitmq import MemoryPublisher
from matchfleet_api import clock
from matchfleet_api.matchmaking import (
    claims,
    ownership,
    pairing,
    postbox,
    queues,
    relay,
    sweeps,
    writer,
)
from matchfleet_contracts import events, ids, resources

CLOCK = clock.SystemClock()


class Later:
    """The system's clock, put forward by hand."""

    def __init__(self) -> None:
        self.by = datetime.timedelta()

    def now(self) -> datetime.datetime:
        return CLOCK.now() + self.by

    def pass_s(self, seconds: float) -> None:
        self.by += datetime.timedelta(seconds=seconds)


@pytest.fixture
async def database(postgres_dsn):
    found = await pool.open_database(postgres_dsn, pool.PoolSettings(max_size=8))
    yield found
    await found.close()


@pytest.fixture
def now():
    return Later()


@pytest.fixture
def queue():
    (found,) = queues.parse(msgspec.json.encode({"queues": [QUEUE_ENTRY]})).values()
    return found


@pytest.fixture
def passes(database, queue, now):
    return a_writer(database, queue, now)


def a_writer(database, queue, now, **settings):
    return writer.Writer(
        database,
        queue,
        now=now,
        new_id=clock.new_id,
        new_seed=lambda: 7,
        settings=writer.WriterSettings(**settings),
    )


async def sql(database, query, *arguments):
    async with database.connection() as held:
        return await held.fetch(query, *arguments)


async def add_players(database, count, *, rating=1500, waited_s=0.0, ttl_s=300.0):
    """Players who wait; returns their tickets' ids."""
    players = [clock.new_id() for _ in range(count)]
    tickets = [clock.new_id() for _ in range(count)]
    await sql(
        database,
        "INSERT INTO players (id, name, kind) SELECT id, 'P', 'guest' FROM unnest($1::uuid[]) id",
        players,
    )
    await sql(
        database,
        "INSERT INTO tickets (id, player_id, game, mode, rating, rtt_ms, queued_at, expires_at) "
        "SELECT t, p, 'airhockey', 'blitz', $3, '{\"eu\": 20, \"us\": 120}', "
        "now() - $4 * interval '1 second', now() + $5 * interval '1 second' "
        "FROM unnest($1::uuid[], $2::uuid[]) AS x (t, p)",
        tickets,
        players,
        rating,
        waited_s,
        ttl_s,
    )
    return tickets


async def states(database):
    rows = await sql(database, "SELECT state, count(*) AS n FROM tickets GROUP BY state")
    return {r["state"]: r["n"] for r in rows}


async def test_a_pass_makes_matches_with_everything_that_belongs_to_them(database, passes):
    await add_players(database, 4)
    assert await passes.run_pass() == 2
    assert await states(database) == {"proposed": 4}
    found = await sql(
        database,
        "SELECT m.state, m.spec, m.spec_digest, count(*) AS seats, count(t.id) AS tickets "
        "FROM matches m JOIN seats s ON s.match_id = m.id AND s.live "
        "JOIN tickets t ON t.id = s.ticket_id AND t.match_id = m.id GROUP BY m.id",
    )
    assert [(r["state"], r["seats"], r["tickets"]) for r in found] == [("requested", 2, 2)] * 2
    assert all(r["spec_digest"] == resources.spec_digest(r["spec"]) for r in found)
    told = await sql(database, "SELECT event->>'type' AS type FROM outbox")
    assert [r["type"] for r in told] == ["match.created"] * 2
    assert await passes.run_pass() == 0


async def test_a_ticket_that_left_after_it_was_read_spoils_its_own_match_only(
    database, passes, now
):
    tickets = await add_players(database, 5, rating=1500)
    await passes._read(now.now())
    proposals = pairing.pair(passes._waiting.candidates(now.now()), passes._queue, now.now())
    taken = {c.ticket for p in proposals for c in p.candidates}
    gone = next(t for t in tickets if t in taken)
    await sql(database, "UPDATE tickets SET state = 'cancelled' WHERE id = $1", gone)
    assert await passes._claim(proposals, now.now()) == 1
    assert await states(database) == {"proposed": 2, "queued": 2, "cancelled": 1}
    assert await passes.run_pass() == 1, "the one who was left is paired with the fifth"


async def test_a_seat_that_an_index_refuses_drops_that_proposal_not_the_batch(
    database, passes, now
):
    await add_players(database, 4)
    await passes._read(now.now())
    proposals = pairing.pair(passes._waiting.candidates(now.now()), passes._queue, now.now())
    drafts = [passes._drafter.draft(p, now.now()) for p in proposals]
    # Two drafts that claim one player twice: what the indexes are there for.
    spoiled = drafts[1].match
    stolen = drafts[0].match.seats[0].player_id
    seats = (
        matches.NewSeat(seat=0, team=0, player_id=stolen, ticket_id=spoiled.seats[0].ticket_id),
        spoiled.seats[1],
    )
    values = {f: getattr(spoiled, f) for f in spoiled.__slots__} | {"seats": seats}
    drafts[1] = claims.Draft(drafts[1].proposal, matches.NewMatch(**values), drafts[1].created)
    done = await claims.claim(database, drafts, now=now.now())
    assert [d.match.id for d in done.made] == [drafts[0].match.id]
    assert done.refused == set(drafts[1].tickets)
    assert await states(database) == {"proposed": 2, "queued": 2}


async def test_many_writers_at_once_never_claim_a_ticket_twice(database, queue, now):
    await add_players(database, 60)
    writers = [a_writer(database, queue, now, batch=5) for _ in range(4)]
    made = await asyncio.gather(*(w.run_pass() for w in writers))
    for one in writers:
        one.forget()
        await one.run_pass()
    assert await states(database) == {"proposed": 60}
    assert sum(made) <= 30
    rows = await sql(database, "SELECT count(*) AS n FROM matches")
    assert rows[0]["n"] == 30
    twice = await sql(
        database, "SELECT player_id FROM seats WHERE live GROUP BY player_id HAVING count(*) > 1"
    )
    assert twice == []


async def test_cancelling_while_claiming_never_does_both(database, queue, now):
    tickets = await add_players(database, 40)
    chosen = random.Random(7).sample(tickets, 20)

    async def cancel(ticket):
        rows = await sql(
            database,
            "UPDATE tickets SET state = 'cancelled' WHERE id = $1 AND state = 'queued' "
            "RETURNING id",
            ticket,
        )
        return len(rows)

    passes = a_writer(database, queue, now, batch=1)
    *cancelled, made = await asyncio.gather(*(cancel(t) for t in chosen), passes.run_pass())
    found = await states(database)
    assert found.get("cancelled", 0) == sum(cancelled)
    assert found.get("proposed", 0) == 2 * made
    assert sum(found.values()) == 40


async def test_new_tickets_and_requeued_ones_are_seen_without_a_full_read(database, passes, now):
    await passes.run_pass()
    passes._full_read_at = now.now() + datetime.timedelta(hours=1)
    (first,) = await add_players(database, 1, waited_s=15)
    assert await passes.run_pass() == 0
    (second,) = await add_players(database, 1)
    assert await passes.run_pass() == 1
    await sql(
        database,
        "UPDATE tickets SET state = 'queued', match_id = NULL, avoid_region = 'eu', "
        "changed_at = now() WHERE id = ANY($1::uuid[])",
        [first, second],
    )
    await sql(database, "UPDATE seats SET live = false")
    assert await passes.run_pass() == 1
    rows = await sql(database, "SELECT region FROM matches ORDER BY requested_at DESC LIMIT 1")
    assert rows[0]["region"] == "us"


async def test_a_lone_player_gets_a_bot_after_the_wait(database, passes, now):
    await add_players(database, 1)
    assert await passes.run_pass() == 0
    now.pass_s(20.5)
    assert await passes.run_pass() == 1
    rows = await sql(database, "SELECT bot, player_id IS NULL AS is_bot FROM seats ORDER BY seat")
    assert [(r["bot"], r["is_bot"]) for r in rows] == [(None, False), ("medium", True)]
    (match,) = await sql(database, "SELECT ranked FROM matches")
    assert match["ranked"] is False


async def test_tickets_expire_and_it_is_told(database, passes, now):
    await add_players(database, 3, ttl_s=5)
    assert not await sweeps.expire(database, now=now.now())
    now.pass_s(6)
    assert await passes.run_pass() == 0, "nobody is paired whose time is over"
    assert await sweeps.expire(database, now=now.now(), batch=2)
    assert not await sweeps.expire(database, now=now.now(), batch=2)
    assert await states(database) == {"expired": 3}
    told = await sql(database, "SELECT event->>'type' AS type FROM outbox")
    assert [r["type"] for r in told] == ["ticket.expired"] * 3


async def test_the_relay_asks_for_each_match_once(database, passes, now):
    cluster = memory.MemoryMatches()
    await add_players(database, 6)
    await passes.run_pass()
    relays = [relay.Relay(database, cluster, now=now, batch=2) for _ in range(3)]
    for _ in range(3):
        await asyncio.gather(*(r.run_round() for r in relays))
    found = await cluster.snapshot()
    assert len(found) == 3
    rows = {r["id"]: r for r in await sql(database, "SELECT * FROM matches")}
    for resource in found:
        row = rows[ids.match_id(resource.name)]
        assert (row["state"], row["uid"]) == ("created", resource.uid)
        assert resource.is_ours
        assert resource.annotations[resources.ANNOTATION_SPEC_DIGEST] == row["spec_digest"]


async def test_a_relay_that_died_between_asking_and_noting_is_followed_up(database, passes, now):
    cluster = memory.MemoryMatches()
    await add_players(database, 2)
    await passes.run_pass()
    (row,) = await sql(database, "SELECT id, spec, spec_digest FROM matches")
    made = await cluster.create(
        ids.match_name(row["id"]),
        spec=row["spec"],
        annotations={
            resources.ANNOTATION_ORIGIN: "api",
            resources.ANNOTATION_SPEC_DIGEST: row["spec_digest"],
        },
    )
    await relay.Relay(database, cluster, now=now).run_round()
    (row,) = await sql(database, "SELECT state, uid FROM matches")
    assert (row["state"], row["uid"]) == ("created", made.uid)


@pytest.mark.parametrize(
    "annotations", [{}, {"matchfleet.dev/origin": "api", "matchfleet.dev/spec-digest": "other"}]
)
async def test_somebody_elses_resource_of_that_name_is_not_taken(
    database, passes, now, annotations
):
    cluster = memory.MemoryMatches()
    await add_players(database, 2)
    await passes.run_pass()
    (row,) = await sql(database, "SELECT id, spec FROM matches")
    await cluster.create(ids.match_name(row["id"]), spec=row["spec"], annotations=annotations)
    one = relay.Relay(database, cluster, now=now)
    await one.run_round()
    await one.run_round()
    (row,) = await sql(database, "SELECT state, uid FROM matches")
    assert (row["state"], row["uid"]) == ("requested", None)


async def test_a_match_whose_time_is_over_is_not_asked_for(database, passes, now):
    cluster = memory.MemoryMatches()
    await add_players(database, 2)
    await passes.run_pass()
    now.pass_s(60.1)
    await relay.Relay(database, cluster, now=now).run_round()
    assert await cluster.snapshot() == []


async def test_without_kubernetes_matches_wait_and_nothing_is_noted(database, passes, now):
    cluster = memory.MemoryMatches()
    cluster.is_away = True
    await add_players(database, 2)
    await passes.run_pass()
    one = relay.Relay(database, cluster, now=now, hold_s=1.0)
    with pytest.raises(errors.Unavailable):
        await one.run_round()
    cluster.is_away = False
    now.pass_s(2)
    await one.run_round()
    assert len(await cluster.snapshot()) == 1


async def test_the_outbox_is_published_in_order_and_once(database, passes):
    publisher = MemoryPublisher()
    await add_players(database, 6)
    await passes.run_pass()
    assert not await postbox.publish_pending(database, publisher)
    assert not await postbox.publish_pending(database, publisher)
    assert [e.type for e in publisher.published] == ["match.created"] * 3


async def test_what_the_broker_did_not_confirm_is_published_again(database, passes):
    publisher = MemoryPublisher()
    publisher.failures = 2
    await add_players(database, 6)
    await passes.run_pass()
    with pytest.raises(errors.PublishFailed):
        await postbox.publish_pending(database, publisher)
    await postbox.publish_pending(database, publisher)
    assert len({e.id for e in publisher.published}) == 3
    rows = await sql(database, "SELECT count(*) AS n FROM outbox WHERE published_at IS NULL")
    assert rows[0]["n"] == 0


async def test_two_postmen_share_the_outbox(database, passes):
    publisher = MemoryPublisher()
    await add_players(database, 40)
    await passes.run_pass()
    for _ in range(6):
        await asyncio.gather(
            *(postbox.publish_pending(database, publisher, batch=5) for _ in range(3))
        )
    assert len(publisher.published) == len({e.id for e in publisher.published}) == 20


async def test_an_end_that_was_lost_is_said_again_once(database, passes, now):
    cluster, publisher = memory.MemoryMatches(), MemoryPublisher()
    await add_players(database, 2)
    await passes.run_pass()
    await relay.Relay(database, cluster, now=now).run_round()
    (resource,) = await cluster.snapshot()
    ended_s = now.now().timestamp()
    cluster.end(resource.name, resources.Phase.FAILED, at_s=ended_s, reason="ServerLost")
    sweep = sweeps.Sweep(database, cluster, publisher, now=now)
    await sweep.run_round()
    assert publisher.published == []
    now.pass_s(61)
    await sweep.run_round()
    await sweep.run_round()
    (event,) = publisher.published
    assert event.id == events.match_ended_id(resource.uid)
    assert event.data.reason is resources.Reason.SERVER_LOST


async def test_a_match_that_no_operator_took_is_taken_back(database, passes, now):
    cluster, publisher = memory.MemoryMatches(), MemoryPublisher()
    await add_players(database, 2)
    await passes.run_pass()
    await relay.Relay(database, cluster, now=now).run_round()
    now.pass_s(80)
    await sweeps.Sweep(database, cluster, publisher, now=now).run_round()
    assert await cluster.snapshot() == []
    (event,) = publisher.published
    assert event.data.reason is resources.Reason.ASSIGN_TIMEOUT


async def test_a_match_that_is_taken_at_that_moment_is_left_alone(database, passes, now):
    cluster, publisher = memory.MemoryMatches(), MemoryPublisher()
    await add_players(database, 2)
    await passes.run_pass()
    await relay.Relay(database, cluster, now=now).run_round()
    now.pass_s(80)
    listed = await cluster.snapshot()
    cluster.make_ready(listed[0].name, pod="p", url="ws://a:1")

    async def stale():
        return listed

    cluster.snapshot = stale
    await sweeps.Sweep(database, cluster, publisher, now=now).run_round()
    assert publisher.published == []
    assert (await cluster.get(listed[0].name)).phase is resources.Phase.READY


async def test_tickets_of_a_match_that_completed_unseen_are_settled(database, passes, now):
    await add_players(database, 2)
    await passes.run_pass()
    await sql(database, "UPDATE matches SET state = 'completed', ended_at = now()")
    await sweeps.settle(database, now=now.now())
    await sweeps.settle(database, now=now.now())
    assert await states(database) == {"matched": 2}
    told = await sql(database, "SELECT event->>'type' AS type FROM outbox ORDER BY seq")
    assert [r["type"] for r in told] == ["match.created", "ticket.matched", "ticket.matched"]


async def until_refused(dsn):
    """Waits until somebody has asked for a queue's lock and does not have it."""
    connection = await asyncpg.connect(dsn)
    try:
        while not await connection.fetchval(  # noqa: ASYNC110  PostgreSQL tells nobody
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND state = 'idle'
              AND query LIKE '%pg_try_advisory_lock%' AND pid <> pg_backend_pid()
              AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)
            """
        ):
            await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def test_a_queue_has_one_writer_and_another_takes_over(postgres_dsn):
    owners: asyncio.Queue[str] = asyncio.Queue()

    async def owner(name):
        async def work():
            owners.put_nowait(name)
            await asyncio.Event().wait()

        await ownership.while_owner(postgres_dsn, "airhockey/blitz", work)

    async with asyncio.timeout(20):
        tasks = {name: asyncio.create_task(owner(name)) for name in ("a", "b")}
        first = await owners.get()
        await until_refused(postgres_dsn)
        assert owners.empty()
        tasks[first].cancel()
        await asyncio.wait({tasks[first]})
        second = await owners.get()
        assert second != first
    tasks[second].cancel()
    await asyncio.wait({tasks[second]})


async def test_a_writer_whose_lock_connection_dies_stops_writing(postgres_dsn):
    starts: asyncio.Queue[int] = asyncio.Queue()
    running = 0

    async def work():
        nonlocal running
        running += 1
        starts.put_nowait(running)
        try:
            await asyncio.Event().wait()
        finally:
            running -= 1

    task = asyncio.create_task(ownership.while_owner(postgres_dsn, "q", work))
    async with asyncio.timeout(20):
        assert await starts.get() == 1
        other = await pool.connect(postgres_dsn)
        await other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'matchfleet-queue' AND datname = current_database()"
        )
        await other.close()
        assert await starts.get() == 1, "the first has stopped before the second begins"
    task.cancel()
    await asyncio.wait({task})
