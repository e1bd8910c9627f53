"""Every knob of the bot service, from the environment, each with its unit in its name."""

import pydantic
import pydantic_settings


class Settings(pydantic_settings.BaseSettings):
    """The settings of one process; the names in the environment start with MATCHFLEET_."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix="MATCHFLEET_", frozen=True)

    host: str = "0.0.0.0"  # noqa: S104 (a pod is reached from outside of it)
    port: int = pydantic.Field(default=50051, ge=0, le=65535)
    metrics_host: str = "0.0.0.0"  # noqa: S104
    metrics_port: int = pydantic.Field(default=9090, ge=0, le=65535)
    """Of /metrics, /livez and /readyz; 0 turns them off."""
    max_request_bytes: int = pydantic.Field(default=262_144, ge=1024)
    stop_seconds: float = pydantic.Field(default=2.0, ge=0)
    """How long calls may go on once the service was told to stop."""
    log_level: str = "INFO"
    log_format: str = "json"


def load() -> Settings:
    """The settings in the environment.

    Raises:
        pydantic.ValidationError: a setting is wrong.
    """
    return Settings()
