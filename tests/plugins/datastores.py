"""Real PostgreSQL, Redis and RabbitMQ for tests: each started once a process, separated per test.

Session fixtures `postgres_server`, `redis_server` and `rabbitmq_server` are the servers, with
`stop()`, `start()` and `kill()` for tests of faults. Each is started when a test first asks for
it, so where pytest runs several processes (`-n`), each has servers of its own, and only those that
its tests use: a test that takes a server away disturbs nobody. The function fixtures give each
test a place of its own:

    postgres_dsn         a new database with the product's schema
    empty_postgres_dsn   a new database without any
    redis_url            a numbered database, flushed
    rabbitmq_url         a new virtual host

A server that a test left stopped is started again before the next test uses it. Client libraries
are imported by the fixtures that need them: every unit test loads this file too.
"""

import asyncio
import contextlib
import itertools
import pathlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from matchfleet_local import servers
from matchfleet_local.servers import redis as redis_recipe

if TYPE_CHECKING:
    import asyncpg

TEMPLATE = "matchfleet_template"
_T = TypeVar("_T")
_redis_database = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.PostgresServer]:
    """PostgreSQL; a test's own database is `postgres_dsn`."""
    with _running("postgres") as stores:
        yield stores.postgres


@pytest.fixture(scope="session")
def redis_server() -> Iterator[servers.RedisServer]:
    """Redis; a test's own database is `redis_url`."""
    with _running("redis") as stores:
        yield stores.redis


@pytest.fixture(scope="session")
def rabbitmq_server() -> Iterator[servers.RabbitServer]:
    """RabbitMQ; a test's own virtual host is `rabbitmq_url`."""
    with _running("rabbitmq") as stores:
        yield stores.rabbitmq


@pytest.fixture(scope="session")
def postgres_migrate() -> Callable[[str], Awaitable[object]]:
    """What brings an empty database to the schema that `postgres_dsn` promises."""
    from matchfleet_adapters.postgres import migrator

    return migrator.migrate


@pytest.fixture
async def empty_postgres_dsn(postgres_server: servers.PostgresServer) -> AsyncIterator[str]:
    """A new database without a schema."""
    await postgres_server.start()
    async with _database(postgres_server, template="template1") as dsn:
        yield dsn


@pytest.fixture
async def postgres_dsn(
    postgres_server: servers.PostgresServer,
    postgres_migrate: Callable[[str], Awaitable[object]],
) -> AsyncIterator[str]:
    """A new database with the product's schema, copied from one that was migrated once."""
    await postgres_server.start()
    async with _superuser(postgres_server) as connection:
        made = await connection.fetchval(
            "SELECT datistemplate FROM pg_database WHERE datname = $1", TEMPLATE
        )
        if not made:
            await connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            await connection.execute(f"CREATE DATABASE {TEMPLATE}")
            await postgres_migrate(postgres_server.database_dsn(TEMPLATE))
            await connection.execute(f"ALTER DATABASE {TEMPLATE} IS_TEMPLATE true")
    async with _database(postgres_server, template=TEMPLATE) as dsn:
        yield dsn


@pytest.fixture
async def redis_url(redis_server: servers.RedisServer) -> str:
    """A numbered database, flushed. Redis has one space of channels for all of them."""
    await redis_server.start()
    import redis.asyncio

    url = redis_server.database_url(next(_redis_database) % redis_recipe.DATABASES)
    async with redis.asyncio.Redis.from_url(url) as client:
        await client.flushdb()
    return url


@pytest.fixture
async def rabbitmq_url(rabbitmq_server: servers.RabbitServer) -> AsyncIterator[str]:
    """A new virtual host; it is left behind when the server was started anew meanwhile.

    RabbitMQ 3.10 loses the supervisor of its dead-letter workers when queues are deleted while it
    recovers them, and then refuses every queue that dead-letters at least once (measured).
    """
    await rabbitmq_server.start()
    born = rabbitmq_server.pid
    name = f"test-{uuid.uuid4().hex}"
    await rabbitmq_server.add_vhosts(name)
    yield rabbitmq_server.vhost_url(name)
    if rabbitmq_server.pid == born:
        await rabbitmq_server.delete_vhosts(name)


@contextlib.contextmanager
def _running(name: str) -> Iterator[servers.Datastores]:
    """One server for the time of the block, driven by a loop beside the tests' own."""
    with tempfile.TemporaryDirectory(prefix="matchfleet-tests-") as folder, _loop() as run:
        # The account that serves must be able to pass; what is inside stays closed to others.
        pathlib.Path(folder).chmod(0o711)
        running = servers.running(
            pathlib.Path(folder) / "servers",
            postgres=name == "postgres",
            redis=name == "redis",
            rabbitmq=name == "rabbitmq",
        )
        stores = run(running.__aenter__())
        try:
            yield stores
        finally:
            run(running.__aexit__(None, None, None))


@contextlib.contextmanager
def _loop() -> Iterator[Callable[[Coroutine[Any, Any, _T]], _T]]:
    """A loop that is never made the current one."""
    loop = asyncio.new_event_loop()
    try:
        yield loop.run_until_complete
    finally:
        loop.close()


@contextlib.asynccontextmanager
async def _superuser(
    server: servers.PostgresServer,
) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    import asyncpg

    connection = await asyncpg.connect(server.dsn)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def _database(server: servers.PostgresServer, *, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    async with _superuser(server) as connection:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.database_dsn(name)
    finally:
        if server.is_running:
            async with _superuser(server) as connection:
                await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
