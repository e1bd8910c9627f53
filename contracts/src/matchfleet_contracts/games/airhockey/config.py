"""The parameters of one match of air hockey, as they stand in a Match's `spec.config`."""

from collections.abc import Mapping

import msgspec

from matchfleet_contracts import errors
from matchfleet_contracts.games.airhockey import table

_BOUNDS = {"durationSeconds": (1, 3600), "goalsToWin": (0, 100)}


class Config(msgspec.Struct, frozen=True, rename="camel"):
    """How long to play.

    Attributes:
        duration_seconds: after this many seconds of play the most goals win; equal is a draw.
        goals_to_win: the first to score this many wins at once; 0 plays the whole time.
    """

    duration_seconds: int = 180
    goals_to_win: int = 0

    @property
    def ticks(self) -> int:
        """Ticks of a match that is not won early."""
        return self.duration_seconds * table.TICK_HZ


def parse_config(raw: Mapping[str, int | str]) -> Config:
    """The parameters in a `spec.config`, with defaults for what it leaves out.

    Raises:
        errors.ConfigInvalid: an unknown parameter, or one out of bounds; says what to change.
    """
    for name, value in raw.items():
        if name not in _BOUNDS:
            known = ", ".join(sorted(_BOUNDS))
            raise errors.ConfigInvalid(f"config.{name} is not known: airhockey takes {known}")
        low, high = _BOUNDS[name]
        if type(value) is not int or not low <= value <= high:
            raise errors.ConfigInvalid(
                f"config.{name} is {value!r}: give a whole number from {low} to {high}"
            )
    return msgspec.convert(dict(raw), Config)
