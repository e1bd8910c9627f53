"""Which ticks are due: tick k at `start + k / hz`, so that no tick's lateness adds to the next.

After a pause a few ticks are played at once to catch up; for the rest the schedule slips, and the
game runs late by that much rather than fast.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Due:
    """What to do now.

    Attributes:
        ticks: to be played at once.
        lateness_s: of the first of them.
        late: how many of them begin more than one tick late.
        slipped: ticks by which the schedule was moved.
    """

    ticks: int
    lateness_s: float
    late: int
    slipped: int


class Pace:
    """The schedule of one match, and how well it was kept."""

    def __init__(self, tick_hz: int, *, start: float, max_catch_up: int) -> None:
        self._hz = tick_hz
        self._first = start
        self._start = start
        self._max = 1 + max_catch_up
        self.ticks = 0
        self.late_ticks = 0

    @property
    def next_at(self) -> float:
        """When the next tick is due."""
        return self._start + self.ticks / self._hz

    def due(self, now: float) -> Due:
        """The ticks to play at `now`; counts them as played."""
        lateness = now - self.next_at
        if lateness < 0.0:
            return Due(ticks=0, lateness_s=0.0, late=0, slipped=0)
        behind = int(lateness * self._hz)
        ticks = min(1 + behind, self._max)
        slipped = 1 + behind - ticks
        # Tick i of this batch begins lateness - i / hz late: `behind - i` whole ticks and a bit.
        late = min(behind, ticks)
        self.late_ticks += late
        self._start += slipped / self._hz
        self.ticks += ticks
        return Due(ticks=ticks, lateness_s=lateness, late=late, slipped=slipped)

    def achieved_hz(self, now: float) -> float:
        """Ticks per second of real time since the start: the first tick is due at once."""
        played_s = now - self._first
        return min((self.ticks - 1) / played_s, float(self._hz)) if played_s > 0.0 else 0.0
