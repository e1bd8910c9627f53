"""What a process of this package is told by its environment: `MATCHFLEET_*`, each with its unit.

A limit that a person may want to change stands here and nowhere else. Wrong or missing values end
the process at once, with a sentence for each.
"""

from pathlib import Path
from typing import TypeVar

import pydantic
import pydantic_settings

from matchfleet_adapters.postgres import pool
from matchfleet_api import errors

S = TypeVar("S", bound=pydantic_settings.BaseSettings)
_PREFIX = "MATCHFLEET_"


class Stored(pydantic_settings.BaseSettings):
    """What everything with a database needs."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    postgres_dsn: str
    wait_seconds: float = pydantic.Field(default=120.0, ge=0)
    """How long to wait at start for PostgreSQL, its schema and RabbitMQ."""
    log_level: str = "INFO"
    log_format: str = "json"


class Migrate(Stored):
    """Settings of `migrate`."""


class Serving(Stored):
    """What the long-lived processes share.

    Attributes:
        queues_file: JSON, see `matchmaking/queues.py`.
        kubeconfig: unset means that this process runs inside the cluster.
        namespace: of the Matches; unset means the process's own, else `default`.
        metrics_port: where /metrics is served; 0 means nowhere.
    """

    rabbitmq_url: str
    queues_file: Path
    kubeconfig: Path | None = None
    namespace: str | None = None
    metrics_host: str = "0.0.0.0"  # noqa: S104 - pods are reached from outside
    metrics_port: int = pydantic.Field(default=9090, ge=0, le=65535)
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


class Matchmaker(Serving):
    """Settings of `matchmaker`.

    Attributes:
        poll_ms: how often a queue, the outbox and requested matches are looked at.
        sweep_seconds: how often forgotten things are looked for.
        depth_period_seconds: at least so long between two tellings of how many wait in a queue.
        depth_repeat_seconds: it is told so often although nothing changed.
    """

    poll_ms: int = pydantic.Field(default=150, ge=10)
    sweep_seconds: float = pydantic.Field(default=5.0, gt=0)
    depth_period_seconds: float = pydantic.Field(default=1.0, gt=0)
    depth_repeat_seconds: float = pydantic.Field(default=10.0, gt=0)
    outbox_keep_hours: float = pydantic.Field(default=24.0, gt=0)


class Serve(Serving):
    """Settings of `serve`.

    Attributes:
        api_signing_keys: private JWK set; the first key signs.
        admin_token_file: without it nobody is an administrator.
        channel_origins: origins of pages that may open the channel, by commas; `*` for any.
        trusted_proxies: addresses whose X-Forwarded-For is believed, by commas; `*` for any.
    """

    redis_url: str
    host: str = "0.0.0.0"  # noqa: S104 - pods are reached from outside
    port: int = pydantic.Field(default=8000, ge=1, le=65535)
    api_signing_keys: Path
    admin_token_file: Path | None = None
    channel_origins: str = ""
    channel_login_seconds: float = pydantic.Field(default=5.0, gt=0)
    channel_queue_messages: int = pydantic.Field(default=64, ge=1)
    trusted_proxies: str = ""
    body_limit_bytes: int = pydantic.Field(default=65_536, ge=1_024)
    redis_budget_ms: int = pydantic.Field(default=50, ge=1)
    password_threads: int = pydantic.Field(default=2, ge=1)
    password_waiting: int = pydantic.Field(default=32, ge=0)
    guests_per_minute: int = pydantic.Field(default=120, ge=1)
    registrations_per_minute: int = pydantic.Field(default=30, ge=1)
    logins_per_account_per_minute: int = pydantic.Field(default=10, ge=1)
    logins_per_address_per_minute: int = pydantic.Field(default=60, ge=1)
    refresh_days: int = pydantic.Field(default=30, ge=1)
    audit_slow_share: float = pydantic.Field(default=0.1, ge=0, le=1)
    audit_backlog_messages: int = pydantic.Field(default=1_000, ge=0)
    shutdown_seconds: float = pydantic.Field(default=10.0, gt=0)


class Keys(pydantic_settings.BaseSettings):
    """Settings of `keys`."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix=_PREFIX, extra="ignore")

    kubeconfig: Path | None = None
    log_level: str = "INFO"
    log_format: str = "json"


def load(kind: type[S]) -> S:
    """The settings of `kind` from the environment.

    Raises:
        errors.SettingsInvalid: one line for each variable that is missing or wrong.
    """
    try:
        return kind()
    except pydantic.ValidationError as error:
        lines = [
            f"{_PREFIX}{'_'.join(str(p) for p in e['loc']).upper()}: {e['msg']}"
            for e in error.errors()
        ]
        raise errors.SettingsInvalid("\n".join(lines)) from error
