"""What a crash is, and when there were too many."""

import dataclasses

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts.resources import Reason
from matchfleet_operator.planning import crash_budget, evidence
from matchfleet_operator.planning.seen import CrashBudget
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at

BUDGET = CrashBudget(count=3, window_s=60)


def ended(message: str = "", *, exit_code: int = 0, reason: str = "Completed", **changes):
    """A server that played a match and ended ten seconds after START."""
    pod = builders.an_ended_pod(message, exit_code=exit_code, reason=reason)
    return dataclasses.replace(pod, **changes)


@pytest.mark.parametrize(
    ("pod", "says"),
    [
        pytest.param(ended(builders.a_message()), "played", id="a result"),
        pytest.param(ended(exit_code=1), "crashed", id="no result"),
        pytest.param(ended(exit_code=137, reason="OOMKilled"), "crashed", id="out of memory"),
        pytest.param(ended("{half"), "crashed", id="half a result"),
        pytest.param(ended(exit_code=1, claim=None), "crashed", id="before its match"),
        pytest.param(ended(exit_code=0, claim=None), "crashed", id="left by itself, idle"),
        pytest.param(ended(exit_code=1, reason="ContainerStatusUnknown"), None, id="node forgot"),
        pytest.param(
            ended(exit_code=143, deletion_due=at(10 + 30), deletion_grace_s=30), None, id="told to"
        ),
        pytest.param(
            ended(exit_code=1, deletion_due=at(20), deletion_grace_s=0), "crashed", id="told later"
        ),
        pytest.param(ended(exit_code=137, disruption="EvictionByEvictionAPI"), None, id="evicted"),
        pytest.param(builders.a_claimed_pod(), None, id="still plays"),
        *(
            pytest.param(
                ended(builders.a_message(builders.a_void_result(reason))),
                "crashed" if reason in {Reason.GAME_FAILED, Reason.TICK_STALLED} else None,
                id=f"void: {reason}",
            )
            for reason in (
                Reason.GAME_FAILED,
                Reason.TICK_STALLED,
                Reason.JOIN_TIMEOUT,
                Reason.TIMED_OUT,
                Reason.DRAINED,
            )
        ),
    ],
)
def test_what_an_ended_server_says_of_its_revision(pod, says):
    found = evidence.of(pod)
    assert (found and ("crashed" if found.crashed else "played")) == says


@pytest.mark.parametrize(("late", "is_late"), [(0, False), (239, False), (240, True)])
def test_a_match_is_late_from_that_share_of_its_ticks_on(late, is_late):
    pod = ended(builders.a_message(builders.a_result(ticks=1200, late_ticks=late)))
    found = evidence.of(pod)
    assert found is not None
    assert found.is_late(20) is is_late


@pytest.mark.parametrize(
    ("crashes", "now", "is_spent"),
    [
        ((), 0, False),
        ((0, 10), 20, False),
        ((0, 10, 20), 20, True),
        ((0, 10, 20), 59, True),
        ((0, 10, 20), 60, False),
        ((5, 5, 5), 5, True),
    ],
    ids=str,
)
def test_a_budget_is_spent_while_so_many_crashes_lie_in_its_window(crashes, now, is_spent):
    times = tuple(at(s) for s in crashes)
    assert crash_budget.is_spent(times, BUDGET, now=at(now)) is is_spent
    if is_spent:
        recovers_at = crash_budget.recovers_at(times, BUDGET)
        assert not crash_budget.is_spent(times, BUDGET, now=recovers_at)


TIMES = st.lists(st.integers(0, 50).map(at), max_size=6)


@hypothesis.given(TIMES, TIMES, TIMES)
def test_crashes_are_counted_once_whoever_sees_them_and_however_often(first, second, third):
    def of(*sights):
        known: crash_budget.Crashes = ()
        for seen in sights:
            known = crash_budget.merged(known, seen, BUDGET, now=at(50))
        return known

    once = of(first, [*first, *second])
    assert of(first, [*first, *second], first, [*first, *second]) == once
    assert len(of(first, second, third)) <= BUDGET.count
    assert of([*first, *second])[-1:] == tuple(sorted([*first, *second]))[-1:]
