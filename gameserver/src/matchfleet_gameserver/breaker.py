"""When to stop asking a bot service that does not answer, and when to try it again.

closed --misses in a row--> open --a rest--> trying --an answer--> closed
                              ^-----a miss-----'
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Time is counted in ticks, so that a replayed match asks at the same ticks."""

    misses_allowed: int
    rest_ticks: int
    _misses: int = 0
    _open_until: int | None = None

    def may_ask(self, tick: int) -> bool:
        """Whether to ask at this tick; after a rest one question is on trial at a time."""
        if self._open_until is None:
            return True
        if tick < self._open_until:
            return False
        self._open_until = tick + self.rest_ticks
        return True

    def answered(self) -> None:
        """An answer came in time."""
        self._misses = 0
        self._open_until = None

    def missed(self, tick: int) -> None:
        """A question was not answered in time."""
        self._misses += 1
        if self._misses >= self.misses_allowed:
            self._open_until = tick + self.rest_ticks
