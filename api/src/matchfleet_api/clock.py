"""The one place where this package reads the time, draws ids and draws seeds."""

import datetime
import secrets

import uuid_utils

_SEED_BELOW = 2**32


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime.datetime:
        """The time now, in UTC."""
        return datetime.datetime.now(datetime.UTC)  # noqa: TID251 - this is the clock


def new_id() -> str:
    """A UUID of version 7 in canonical text: it sorts by the time of its making."""
    return str(uuid_utils.uuid7())


def new_seed() -> int:
    """A seed of a game's randomness, which nobody can foresee."""
    return secrets.randbelow(_SEED_BELOW)
