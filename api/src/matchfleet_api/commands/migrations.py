"""`migrate`: bring PostgreSQL's schema up to this code, waiting for PostgreSQL to answer."""

import structlog

from matchfleet_adapters.postgres import migrator
from matchfleet_api import settings


async def run(config: settings.Migrate) -> None:
    """Apply what is missing; nothing is done when nothing is.

    Raises:
        matchfleet_adapters.errors.AdapterError: PostgreSQL does not answer, or history changed.
    """
    log = structlog.get_logger()
    applied = await migrator.migrate(config.postgres_dsn, wait_s=config.wait_seconds)
    for migration in applied:
        log.info("migration_applied", version=migration.version, name=migration.name)
    log.info("schema_ready", version=migrator.latest_version(), applied=len(applied))
