"""Jobs run once they are asked for, outlive a restart, and are held when they cannot be done."""

import asyncio
import contextlib
import datetime

import asyncpg
import pytest
from pgqueuer.queries import Queries

from matchfleet_adapters.postgres import jobs
from matchfleet_telemetry import health
from matchfleet_workers import clock, settings
from matchfleet_workers.jobs import running, work
from matchfleet_workers.ranking import ladders

GAME, MODE = "airhockey", "blitz"
NEVER = "0 0 1 1 *"
EVERY_SECOND = "* * * * * */1"


async def until(check, *, timeout_s=20):
    async with asyncio.timeout(timeout_s):
        while not await check():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@pytest.fixture
def working(postgres_dsn, redis_url, database, view):
    """Runs the jobs for the length of a block."""

    @contextlib.asynccontextmanager
    async def run(**schedules):
        never = {f"{name}_schedule": NEVER for name in ("snapshot", "repair", "purge")}
        config = settings.Jobs(
            postgres_dsn=postgres_dsn,
            redis_url=redis_url,
            poll_seconds=0.2,
            attempts=1,
            **(never | schedules),
        )
        desk = work.Desk(
            database=database,
            view=view,
            clock=clock.SystemClock(),
            places=2,
            keep=datetime.timedelta(days=30),
        )
        stopping = asyncio.Event()
        task = asyncio.create_task(
            running.run(config, desk, board=health.Board(), stopping=stopping)
        )
        try:
            yield
        finally:
            stopping.set()
            await asyncio.wait_for(task, 20)

    return run


async def test_our_migration_makes_the_tables_of_the_installed_pgqueuer(postgres_dsn):
    connection = await asyncpg.connect(postgres_dsn)
    plan = await Queries.from_asyncpg_connection(connection).plan_upgrade()
    await connection.close()
    assert plan.statements == ()


async def test_an_ended_match_gets_its_summary(world, recorder, working):
    match = await world.match()
    await recorder.handle(match.ended(2, 1))

    async def is_written():
        return await world.sql.fetchval("SELECT count(*) FROM match_summaries")

    async with working():
        await until(is_written)

        async def is_done():
            return not await world.sql.fetchval("SELECT count(*) FROM pgqueuer")

        await until(is_done)
    summary = await world.sql.fetchval("SELECT summary FROM match_summaries")
    assert (summary["state"], summary["seconds"]) == ("completed", 20)
    assert [(s["rank"], s["before"], s["after"]) for s in summary["seats"]] == [
        (2, 1500, 1484),
        (1, 1500, 1516),
    ]


async def test_a_failed_match_has_a_summary_without_ranks(world, recorder, database):
    match = await world.match()
    await recorder.handle(match.ended(1, 2, 3))
    async with database.connection() as connection:
        assert await jobs.summarize(connection, match.id)
    summary = await world.sql.fetchval("SELECT summary FROM match_summaries")
    assert summary["reason"] == "ResultInvalid"
    assert [seat["rank"] for seat in summary["seats"]] == [None, None]


async def test_a_summary_is_asked_for_once(world, database):
    match = await world.match()
    async with database.connection() as connection:
        await jobs.enqueue_match_summary(connection, match.id)
        await jobs.enqueue_match_summary(connection, match.id)
        assert await jobs.backlog(connection) == [jobs.Backlog("match_summary", "queued", 1)]


async def test_a_job_that_cannot_be_done_is_held(world, database, working):
    match = await world.match()  # it has not ended
    async with database.connection() as connection:
        await jobs.enqueue_match_summary(connection, match.id)

    async def is_held():
        async with database.connection() as connection:
            return await jobs.backlog(connection) == [jobs.Backlog("match_summary", "failed", 1)]

    async with working():
        await until(is_held)


async def test_the_ladder_s_first_places_are_kept_for_the_day(world, recorder, working):
    for _ in range(2):
        match = await world.match()
        await recorder.handle(match.ended(1, 2))

    async def is_kept():
        return await world.sql.fetchval("SELECT count(*) FROM ladder_snapshots") == 2

    async with working(snapshot_schedule=EVERY_SECOND):
        await until(is_kept)
    rows = await world.sql.fetch("SELECT * FROM ladder_snapshots ORDER BY place")
    assert [(r["place"], r["rating"]) for r in rows] == [(1, 1516), (2, 1516)]
    assert rows[0]["player_id"] < rows[1]["player_id"]


async def test_a_lost_view_of_the_ladders_is_made_again(world, recorder, view, working):
    match = await world.match()
    await recorder.handle(match.ended(1, 2))
    await view._client.flushdb()

    async def is_back():
        shown = await view.top(GAME, MODE, limit=10)
        return shown is not None and len(shown.rows) == 2

    async with working(repair_schedule=EVERY_SECOND):
        await until(is_back)


async def test_a_ladder_larger_than_one_write_is_shown_whole(world, database, view):
    players = await world.players(2500)
    await world.sql.executemany(
        "INSERT INTO ratings (player_id, game, mode, rating) VALUES ($1, $2, $3, $4)",
        [(player, GAME, MODE, n) for n, player in enumerate(players)],
    )
    assert await ladders.replace_all(view, database) == 1
    assert len((await view.top(GAME, MODE, limit=5000)).rows) == 2500


async def test_jobs_go_on_after_postgresql_was_away(
    world, recorder, working, postgres_server, postgres_dsn
):
    match = await world.match()

    async def is_written():
        return await world.sql.fetchval("SELECT count(*) FROM match_summaries")

    async with working():
        await world.sql.close()
        await postgres_server.stop()
        await postgres_server.start()
        await world.reconnect(postgres_dsn)
        await recorder.handle(match.ended(1, 2))
        await until(is_written, timeout_s=30)


async def test_old_rows_of_inbox_and_log_go(world, working):
    await world.sql.execute(
        "INSERT INTO inbox (consumer, event_id, at) VALUES"
        " ('ranking', 'old', now() - interval '31 days'), ('ranking', 'new', now())"
    )

    async def is_gone():
        rows = await world.sql.fetch("SELECT event_id FROM inbox")
        return [row["event_id"] for row in rows] == ["new"]

    async with working(purge_schedule=EVERY_SECOND):
        await until(is_gone)


async def test_the_jobs_process_works_and_stops_when_told(world, recorder, run_worker):
    match = await world.match()
    await recorder.handle(match.ended(1, 2))

    async def is_written():
        return await world.sql.fetchval("SELECT count(*) FROM match_summaries")

    async with run_worker("jobs", poll_seconds=0.2) as worker:
        await until(is_written)
        assert await worker.stop(timeout_s=15) == 0
