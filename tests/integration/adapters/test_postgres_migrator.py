import asyncio
import dataclasses

import asyncpg
import pytest

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import migrator, pool


async def test_an_empty_database_gets_the_whole_schema_once(empty_postgres_dsn):
    assert await migrator.migrate(empty_postgres_dsn) == migrator.migrations()
    assert await migrator.migrate(empty_postgres_dsn) == []


async def test_migrators_that_come_together_take_turns(empty_postgres_dsn):
    done = await asyncio.gather(*(migrator.migrate(empty_postgres_dsn) for _ in range(4)))
    assert sorted(len(d) for d in done) == [0, 0, 0, len(migrator.migrations())]


async def test_a_rewritten_history_is_refused(postgres_dsn, monkeypatch):
    first, *rest = migrator.migrations()
    rewritten = dataclasses.replace(first, text=first.text + "-- changed")
    monkeypatch.setattr(migrator, "migrations", lambda: [rewritten, *rest])
    with pytest.raises(errors.MigrationChanged, match="0001_initial"):
        await migrator.migrate(postgres_dsn)


async def test_a_migration_that_fails_leaves_nothing_and_is_not_noted(postgres_dsn, monkeypatch):
    found = migrator.migrations()
    version = len(found) + 1
    broken = migrator.Migration(version, "broken", "CREATE TABLE half (n int); SELECT 1/0;")
    monkeypatch.setattr(migrator, "migrations", lambda: [*found, broken])
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrator.migrate(postgres_dsn)
    connection = await asyncpg.connect(postgres_dsn)
    assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await migrator.applied_version(connection) == len(found)
    await connection.close()


async def test_a_process_waits_for_the_schema_it_needs(empty_postgres_dsn):
    database = await pool.open_database(empty_postgres_dsn)
    waiting = asyncio.ensure_future(migrator.wait_for_schema(database, timeout_s=20))
    await asyncio.sleep(0)
    assert not waiting.done()
    await migrator.migrate(empty_postgres_dsn)
    await waiting
    await database.close()


async def test_a_process_that_waits_in_vain_says_what_to_run(empty_postgres_dsn):
    database = await pool.open_database(empty_postgres_dsn)
    with pytest.raises(errors.SchemaNotReady, match="matchfleet_api migrate"):
        await migrator.wait_for_schema(database, timeout_s=0.2)
    await database.close()
