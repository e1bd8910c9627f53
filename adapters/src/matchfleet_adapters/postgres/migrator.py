"""Bring PostgreSQL's schema up to what this code needs: numbered .sql files, forward only.

Each file is one transaction. A session lock lets one migrator work while others wait for it, and a
checksum refuses a history that was rewritten. `lock_timeout` is short, so that a migration waiting
for a busy table does not hold up everybody behind it: it fails, and is run again.
"""

import hashlib
import importlib.resources
import re
from dataclasses import dataclass

import asyncpg
import stamina

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import pool

_LOCK = 0x6D_66_73_63  # "mfsc", of no meaning but to be ours
_LOCK_TIMEOUT_MS = 4_000
_FILE = re.compile(r"^(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql$")
_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version    integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


@dataclass(frozen=True, slots=True, order=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations() -> list[Migration]:
    """All migrations of this package in order; versions count from 1 without a gap."""
    folder = importlib.resources.files("matchfleet_adapters.postgres").joinpath("migrations")
    found = sorted(
        Migration(int(match["version"]), match["name"], file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if (match := _FILE.match(file.name))
    )
    versions = [m.version for m in found]
    if versions != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations count from 1 without a gap, not {versions}")
    return found


def latest_version() -> int:
    """The schema version that this code needs."""
    return migrations()[-1].version


async def migrate(dsn: str, *, wait_s: float = 0.0) -> list[Migration]:
    """Apply what is missing and return it; waits up to `wait_s` for PostgreSQL to answer.

    Raises:
        errors.MigrationChanged: an applied migration reads differently now.
        errors.Unavailable: PostgreSQL does not answer, or a lock was not had in time.
    """
    # Waiting for another migrator may take as long as its work: no statement timeout here.
    settings = pool.PoolSettings(
        application="matchfleet-migrate", statement_timeout_ms=0, lock_timeout_ms=0
    )
    connection = await pool.connect(dsn, settings, timeout_s=wait_s)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_CREATE_TABLE)
        done = await _applied(connection)
        pending = [m for m in migrations() if not _is_applied(m, done)]
        for migration in pending:
            await _apply(connection, migration)
    except asyncpg.PostgresError as error:
        if error.sqlstate == "55P03" or pool.is_passing(error):
            raise errors.Unavailable(store="PostgreSQL", detail=str(error)) from error
        raise
    else:
        return pending
    finally:
        await connection.close(timeout=5)


async def applied_version(connection: pool.Connection) -> int:
    """The version the schema is at; 0 when nothing was applied yet."""
    try:
        found: int | None = await connection.fetchval("SELECT max(version) FROM schema_migrations")
    except asyncpg.UndefinedTableError:
        return 0
    return found or 0


async def wait_for_schema(
    database: pool.Database, version: int | None = None, *, timeout_s: float
) -> None:
    """Return once the schema is at `version` (default: what this code needs) or later.

    Raises:
        errors.SchemaNotReady: not within `timeout_s`.
        errors.Unavailable: PostgreSQL does not answer within `timeout_s`.
    """
    wanted = version or latest_version()
    async for attempt in stamina.retry_context(
        on=(errors.SchemaNotReady, errors.Unavailable),
        attempts=None,
        timeout=timeout_s,
        wait_initial=0.1,
        wait_max=1.0,
    ):
        with attempt:
            async with database.connection() as connection:
                found = await applied_version(connection)
            if found < wanted:
                raise errors.SchemaNotReady(found=found, wanted=wanted)


async def _applied(connection: pool.Connection) -> dict[int, str]:
    rows = await connection.fetch("SELECT version, checksum FROM schema_migrations")
    return {row["version"]: row["checksum"] for row in rows}


def _is_applied(migration: Migration, done: dict[int, str]) -> bool:
    checksum = done.get(migration.version)
    if checksum is None:
        return False
    if checksum != migration.checksum:
        raise errors.MigrationChanged(version=migration.version, name=migration.name)
    return True


async def _apply(connection: pool.Connection, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}")
        await connection.execute(migration.text)
        await connection.execute(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
            migration.version,
            migration.name,
            migration.checksum,
        )
