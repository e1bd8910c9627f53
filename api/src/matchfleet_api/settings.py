"""What a process of this package is told by its environment: `MATCHFLEET_*`, each with its unit.

A limit that a person may want to change stands here and nowhere else. Wrong or missing values end
the process at once, with a sentence for each.
"""

from pathlib import Path
from typing import TypeVar

import pydantic
import pydantic_settings

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
