import datetime as dt

import pytest

from matchfleet_contracts import clock, ids, resources

UUID = ids.MatchId("019e0000-0000-7000-8000-00000000000a")


def test_a_match_is_found_again_from_its_name() -> None:
    assert ids.match_id(ids.match_name(UUID)) == UUID


@pytest.mark.parametrize(
    "name",
    ["example", "m-", "m-short", "x-" + UUID, "m-" + "g" * 36, "m-" + "0" * 36, "m-" + UUID + "0"],
)
def test_a_name_of_another_make_is_no_match_of_ours(name: str) -> None:
    assert ids.match_id(ids.MatchName(name)) is None


def test_a_digest_forgets_what_may_change_and_the_order_of_fields() -> None:
    spec = {"game": "airhockey", "mode": "duel", "desired": "Run"}
    other = {"mode": "duel", "game": "airhockey", "desired": "Cancel"}
    assert resources.spec_digest(spec) == resources.spec_digest(other)
    assert resources.spec_digest(spec) != resources.spec_digest(spec | {"game": "arena"})


def test_a_time_is_read_as_it_was_written() -> None:
    at = dt.datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=dt.UTC)
    assert clock.parse_rfc3339(clock.rfc3339(at)) == at
    assert clock.parse_rfc3339("2026-01-31T12:00:00Z") == at.replace(microsecond=0)
    with pytest.raises(ValueError, match="time zone"):
        clock.parse_rfc3339("2026-01-31T12:00:00")


@pytest.mark.parametrize("phase", resources.Phase)
def test_three_phases_are_terminal(phase: resources.Phase) -> None:
    assert phase.is_terminal == (phase.value in {"Completed", "Failed", "Cancelled"})
