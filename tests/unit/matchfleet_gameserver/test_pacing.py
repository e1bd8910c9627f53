"""Which ticks are due; time is a number here."""

import hypothesis
from hypothesis import strategies as st

from matchfleet_gameserver import pacing


def _pace(*, start: float = 100.0, hz: int = 60) -> pacing.Pace:
    return pacing.Pace(hz, start=start, max_catch_up=4)


def test_the_first_tick_is_due_at_the_start_and_none_is_early() -> None:
    pace = _pace()
    assert pace.due(99.999).ticks == 0
    assert pace.due(100.0) == pacing.Due(ticks=1, lateness_s=0.0, late=0, slipped=0)
    assert pace.due(100.016).ticks == 0
    assert pace.next_at == 100.0 + 1 / 60


def test_lateness_of_one_tick_does_not_move_the_next() -> None:
    pace = _pace(hz=50)
    pace.due(100.015)
    assert pace.next_at == 100.02
    assert pace.late_ticks == 0


def test_a_short_pause_is_made_up_for_at_once() -> None:
    pace = _pace(hz=50, start=0.0)
    due = pace.due(0.07)
    assert (due.ticks, due.late, due.slipped) == (4, 3, 0)
    assert round(pace.next_at, 9) == 0.08


def test_a_long_pause_slows_the_game_down_instead() -> None:
    pace = _pace(hz=50, start=0.0)
    due = pace.due(1.01)
    assert (due.ticks, due.late, due.slipped) == (5, 5, 46)
    assert 1.01 < pace.next_at <= 1.03
    assert pace.ticks == 5


@hypothesis.given(st.lists(st.floats(0.0, 0.5), min_size=1, max_size=200), st.integers(1, 240))
def test_whatever_the_delays_the_schedule_stays_ahead_and_every_tick_counts(
    delays: list[float], hz: int
) -> None:
    pace = _pace(start=0.0, hz=hz)
    now, played = 0.0, 0
    for delay in delays:
        now = max(pace.next_at, now) + delay
        due = pace.due(now)
        assert 0 <= due.ticks <= 5
        assert due.late <= due.ticks
        played += due.ticks
        assert pace.next_at > now - 1e-6
    assert pace.ticks == played
    assert pace.late_ticks <= played
    assert 0.0 <= pace.achieved_hz(now) <= hz


def test_achieved_hz_counts_intervals() -> None:
    pace = _pace(start=0.0)
    assert pace.achieved_hz(0.0) == 0.0
    for tick in range(61):
        pace.due(tick / 60 + 1e-6)
    assert pace.achieved_hz(1.0) == 60.0
    assert pace.achieved_hz(2.0) == 30.0
