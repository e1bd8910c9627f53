"""Conditions move their time only when they flip."""

from matchfleet_operator.planning import conditions
from matchfleet_operator.planning.conditions import Said
from matchfleet_operator.testing.builders import at


def test_a_condition_keeps_its_time_until_its_status_flips():
    first = conditions.merged((), Said("Ready", status=True, reason="A"), now=at(0))
    second = conditions.merged(first, Said("Ready", status=True, reason="B"), now=at(1))
    assert second[0].last_transition_time == first[0].last_transition_time
    assert second[0].reason == "B"
    third = conditions.merged(second, Said("Ready", status=False, reason="C"), now=at(2))
    assert third[0].last_transition_time == "2026-05-04T12:00:02.000000Z"


def test_conditions_not_spoken_of_stay():
    first = conditions.merged((), Said("Assigned", status=True, reason="A"), now=at(0))
    second = conditions.merged(first, Said("Ready", status=True, reason="B"), now=at(1))
    assert [c.type for c in second] == ["Assigned", "Ready"]


def test_a_message_is_cut_to_what_the_resource_takes():
    (said,) = conditions.merged(
        (), Said("R", status=True, reason="A", message="x" * 5000), now=at(0)
    )
    assert len(said.message) == 1024
