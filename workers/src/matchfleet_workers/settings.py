"""What a worker is told by its environment: `MATCHFLEET_*`, each with its unit.

Wrong or missing values end the process at once, with a sentence for each.
"""

from typing import TypeVar

import pydantic
import pydantic_settings

from matchfleet_adapters.postgres import pool
from matchfleet_workers import errors

S = TypeVar("S", bound=pydantic_settings.BaseSettings)
_PREFIX = "MATCHFLEET_"


class Settings(pydantic_settings.BaseSettings):
    """What every worker needs.

    Attributes:
        wait_seconds: how long to wait at start for PostgreSQL and its schema.
        metrics_port: where /metrics, /livez and /readyz are served; 0 means nowhere.
        stop_seconds: how long a message in hand may take after SIGTERM.
    """

    model_config = pydantic_settings.SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    postgres_dsn: str
    wait_seconds: float = pydantic.Field(default=120.0, ge=0)
    log_level: str = "INFO"
    log_format: str = "json"
    metrics_host: str = "0.0.0.0"  # noqa: S104 - pods are reached from outside
    metrics_port: int = pydantic.Field(default=9090, ge=0, le=65535)
    stop_seconds: float = pydantic.Field(default=20.0, gt=0)
    pool_size: int = pydantic.Field(default=10, ge=2)
    statement_timeout_ms: int = pydantic.Field(default=5_000, gt=0)
    lock_timeout_ms: int = pydantic.Field(default=3_000, gt=0)

    def pool(self, application: str) -> pool.PoolSettings:
        """How this process connects to PostgreSQL."""
        return pool.PoolSettings(
            max_size=self.pool_size,
            statement_timeout_ms=self.statement_timeout_ms,
            lock_timeout_ms=self.lock_timeout_ms,
            application=application,
        )


class Consuming(Settings):
    """What a consumer of events needs.

    Attributes:
        prefetch: messages that the broker hands over ahead of their turn.
        lanes: messages that are handled at once.
    """

    rabbitmq_url: str
    prefetch: int = pydantic.Field(default=50, ge=1, le=2_000)
    lanes: int = pydantic.Field(default=8, ge=1, le=64)


class Analytics(Consuming):
    """Settings of `analytics`."""


class Ranking(Consuming):
    """Settings of `ranking`.

    Attributes:
        redis_timeout_seconds: how long a ladder's view may take to write.
    """

    redis_url: str
    redis_timeout_seconds: float = pydantic.Field(default=1.0, gt=0)


class Jobs(Settings):
    """Settings of `jobs`; a schedule is a cron expression in UTC, with seconds as a sixth field.

    Attributes:
        poll_seconds: how soon an enqueued job is seen.
        attempts: how often a job is tried before it is held.
        snapshot_places: how many places of each ladder a day's snapshot keeps.
        keep_days: how long the inbox and the log of jobs are kept.
    """

    redis_url: str
    redis_timeout_seconds: float = pydantic.Field(default=5.0, gt=0)
    poll_seconds: float = pydantic.Field(default=1.0, gt=0)
    attempts: int = pydantic.Field(default=5, ge=1)
    snapshot_schedule: str = "5 0 * * *"
    snapshot_places: int = pydantic.Field(default=100, ge=1)
    repair_schedule: str = "*/5 * * * *"
    purge_schedule: str = "35 3 * * *"
    keep_days: float = pydantic.Field(default=30.0, gt=0)


class Dead(pydantic_settings.BaseSettings):
    """Settings of `dead`."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    rabbitmq_url: str


def load(kind: type[S]) -> S:
    """The settings of `kind` from the environment.

    Raises:
        errors.SettingsInvalid: one line for each variable that is missing or wrong.
    """
    try:
        return kind()
    except pydantic.ValidationError as error:
        lines = [
            f"{_PREFIX}{'_'.join(str(part) for part in wrong['loc']).upper()}: {wrong['msg']}"
            for wrong in error.errors()
        ]
        raise errors.SettingsInvalid("\n".join(lines)) from error
