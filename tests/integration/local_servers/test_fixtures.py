"""Each test has a place of its own on servers that all share."""

import aio_pika
import asyncpg
import pytest
import redis.asyncio

from matchfleet_adapters.postgres import migrator


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_test_gets_a_migrated_database_without_rows_of_others(
    postgres_dsn: str, turn: int
) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    try:
        version = await migrator.applied_version(connection)
        assert version == migrator.latest_version()
        await connection.execute("CREATE TABLE mine ()")  # fails when the database is not new
    finally:
        await connection.close()


async def test_an_empty_database_has_no_tables(empty_postgres_dsn: str) -> None:
    connection = await asyncpg.connect(empty_postgres_dsn)
    try:
        tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert await connection.fetchval(tables) == 0
    finally:
        await connection.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_test_gets_an_empty_redis_database(redis_url: str, turn: int) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set("mine", "1")


@pytest.mark.parametrize("turn", [1, 2])
async def test_a_test_gets_a_virtual_host_where_quorum_queues_work(
    rabbitmq_url: str, turn: int
) -> None:
    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        queue = await channel.declare_queue(
            "mine", durable=True, arguments={"x-queue-type": "quorum"}
        )
        assert queue.declaration_result.message_count == 0
        await channel.default_exchange.publish(aio_pika.Message(b"hello"), routing_key="mine")
        message = await queue.get(timeout=10)
        assert message.body == b"hello"
        await message.ack()
