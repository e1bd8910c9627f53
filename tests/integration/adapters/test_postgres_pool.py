import asyncio

import asyncpg
import pytest

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import pool


@pytest.fixture
async def database(postgres_dsn):
    found = await pool.open_database(
        postgres_dsn, pool.PoolSettings(statement_timeout_ms=10_000, lock_timeout_ms=5_000)
    )
    yield found
    await found.close()


async def test_ids_are_text_and_jsonb_is_plain_values(database):
    one = "018f0000-0000-7000-8000-000000000001"
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT $1::uuid AS id, $2::jsonb AS kept, $3::uuid[] AS ids, $4::jsonb[] AS many",
            one,
            {"a": [1, None, "ä"]},
            [one, None],
            [{"b": 1}, {}],
        )
    assert dict(row) == {
        "id": one,
        "kept": {"a": [1, None, "ä"]},
        "ids": [one, None],
        "many": [{"b": 1}, {}],
    }


async def test_a_transaction_that_lost_a_deadlock_is_run_again(database):
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE seats_of (n int PRIMARY KEY, v int)")
        await connection.execute("INSERT INTO seats_of VALUES (1, 0), (2, 0)")
    met = asyncio.Barrier(2)
    runs = []

    async def add(order):
        async def work(connection):
            runs.append(order)
            await connection.execute("UPDATE seats_of SET v = v + 1 WHERE n = $1", order[0])
            if len(runs) <= 2:
                await met.wait()
            await connection.execute("UPDATE seats_of SET v = v + 1 WHERE n = $1", order[1])

        await database.transaction(work)

    await asyncio.gather(add((1, 2)), add((2, 1)))
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT sum(v) FROM seats_of") == 4
    assert len(runs) == 3


async def test_a_transaction_whose_connection_breaks_is_run_again(database, postgres_dsn):
    runs = []

    async def work(connection):
        runs.append(1)
        if len(runs) == 1:
            pid = await connection.fetchval("SELECT pg_backend_pid()")
            other = await asyncpg.connect(postgres_dsn)
            await other.execute("SELECT pg_terminate_backend($1)", pid)
            await other.close()
        return await connection.fetchval("SELECT 7")

    assert await database.transaction(work) == 7
    assert len(runs) == 2


async def test_a_broken_rule_is_not_tried_again(database):
    runs = []

    async def work(connection):
        runs.append(1)
        await connection.execute("SELECT 1/0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await database.transaction(work)
    assert len(runs) == 1


async def test_a_failed_transaction_leaves_nothing(database):
    async with database.connection() as connection:
        await connection.execute("CREATE TABLE kept (n int)")

    async def work(connection):
        await connection.execute("INSERT INTO kept VALUES (1)")
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await database.transaction(work)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM kept") == 0


async def test_a_slow_statement_is_told_as_unavailable(database):
    async with database.connection() as connection:
        await connection.execute("SET statement_timeout = 50")
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.fetch("SELECT pg_sleep(5)")
        await connection.execute("RESET statement_timeout")
    with pytest.raises(errors.Unavailable):
        async with database.connection() as connection:
            await connection.execute("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)")


async def test_an_exhausted_pool_is_told_as_unavailable(postgres_dsn):
    database = await pool.open_database(
        postgres_dsn, pool.PoolSettings(max_size=1, acquire_timeout_s=0.1)
    )
    async with database.connection():
        with pytest.raises(errors.Unavailable):
            async with database.connection():
                raise AssertionError("there is one connection")
    await database.close()


async def test_nobody_at_the_address_is_told_as_unavailable(unused_tcp_port):
    dsn = f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none"
    with pytest.raises(errors.Unavailable, match="PostgreSQL does not answer"):
        await pool.open_database(dsn)
    with pytest.raises(errors.Unavailable):
        await pool.wait_for_database(dsn, timeout_s=0.3)
