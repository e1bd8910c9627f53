"""Every knob of a game server, from the environment, each with its unit in its name.

The operator sets which pod this is and which game it plays; the rest comes from the Fleet's
template, or stands as it is here.
"""

from pathlib import Path

import pydantic
import pydantic_settings

_OPERATORS = "set by the operator"


class Settings(pydantic_settings.BaseSettings):
    """The settings of one process; the names in the environment start with MATCHFLEET_."""

    model_config = pydantic_settings.SettingsConfigDict(env_prefix="MATCHFLEET_", frozen=True)

    game: str = pydantic.Field(description=_OPERATORS)
    pod_uid: str = pydantic.Field(min_length=1, description=_OPERATORS)
    pod_name: str = ""
    pod_ip: str = "127.0.0.1"
    """The address to listen on."""
    namespace: str = ""
    region: str = ""
    game_port: int = pydantic.Field(default=7777, ge=0, le=65535)
    control_port: int = pydantic.Field(default=7778, ge=0, le=65535)
    drain_seconds: float = pydantic.Field(default=60.0, ge=0)
    """How long a match may go on once the server was told to stop."""
    termination_log: Path = Path("/dev/termination-log")
    operator_public_keys: Path
    """A JWK set; read again when a token is signed with a key that is not known."""
    bots_address: str = ""
    """`host:port` of the bot service; empty: the game's own rules play every bot."""

    join_grace_seconds: float = pydantic.Field(default=5.0, gt=0)
    """From the opened socket to a whole HELLO."""
    handshake_seconds: float = pydantic.Field(default=5.0, gt=0)
    ping_seconds: float = pydantic.Field(default=5.0, gt=0)
    """Between WebSocket pings; a client that answers none for three times as long is gone."""
    close_seconds: float = pydantic.Field(default=1.0, gt=0)
    """How long to wait for clients to hang up at the end."""
    max_connections: int = pydantic.Field(default=256, ge=1)
    max_frames_per_second: int = pydantic.Field(default=240, ge=1)
    """From one client, sustained; twice as many may come at once."""
    max_reliable_bytes: int = pydantic.Field(default=262_144, ge=4096)
    """Unsent bytes of a client above which it is closed as SLOW."""
    send_buffer_bytes: int = pydantic.Field(default=65_536, ge=4096)
    """Of the kernel, for each socket: what a stuck client can still be sent is sent in vain."""
    max_queued_inputs: int = pydantic.Field(default=4, ge=1, le=64)
    """Of one seat: one is played each tick, and the oldest gives way."""
    max_catch_up_ticks: int = pydantic.Field(default=4, ge=0)
    """Ticks made up for at once after a pause; for the rest the game runs late."""
    max_rejected_inputs: int = pydantic.Field(default=3, ge=1)
    """Inputs that are none of the game's, after which the player is thrown out."""
    bot_deadline_ratio: float = pydantic.Field(default=0.75, gt=0, le=1)
    """The part of a game's decision delay that a bot service has to answer."""
    bot_misses: int = pydantic.Field(default=5, ge=1)
    """Answers missed in a row, after which the service is left alone for a while."""
    bot_rest_seconds: float = pydantic.Field(default=2.0, ge=0)
    live_seconds: float = pydantic.Field(default=2.0, gt=0)
    """Without a tick, while playing, before /livez says no."""
    stall_seconds: float = pydantic.Field(default=5.0, gt=0)
    """Without a tick, while playing, before the watchdog ends the match as TickStalled."""

    log_level: str = "INFO"
    log_format: str = "json"


def load() -> Settings:
    """The settings in the environment.

    Raises:
        pydantic.ValidationError: a setting is missing or wrong.
    """
    return Settings()  # type: ignore[call-arg]
