import pytest
from tickets import a_resource, a_result, a_row, later

from matchfleet_adapters.postgres.matches import MatchState
from matchfleet_api.matchmaking import sweeps
from matchfleet_contracts import events
from matchfleet_contracts.resources import Phase, Reason

PATIENCE = sweeps.Patience(unrecorded_s=60, unassigned_s=15, missing_s=15)


def decide(row, resource, *, at_s, has_server=False):
    return sweeps.decide(row, resource, has_server=has_server, now=later(at_s), patience=PATIENCE)


def ended(phase, *, at_s, **changes):
    return a_resource(phase=phase, ended_s=later(at_s).timestamp(), **changes)


@pytest.mark.parametrize(
    ("resource", "at_s"),
    [
        pytest.param(a_resource(), 10, id="pending, in time"),
        pytest.param(a_resource(), 74.9, id="pending, the operator may still refuse it"),
        pytest.param(a_resource(phase=Phase.ASSIGNED), 600, id="assigned is the operator's"),
        pytest.param(a_resource(phase=Phase.READY), 9999, id="ready is being played"),
        pytest.param(ended(Phase.COMPLETED, at_s=100), 159, id="ended a moment ago"),
        pytest.param(None, 60, id="not there yet, in time"),
    ],
)
def test_what_others_may_still_do_is_left_to_them(resource, at_s):
    assert decide(a_row(), resource, at_s=at_s) is None


def test_an_end_that_was_not_recorded_is_published_again_with_its_own_id():
    result = a_result()
    action = decide(a_row(), ended(Phase.COMPLETED, at_s=100, result=result), at_s=160)
    assert isinstance(action, sweeps.PublishEnd)
    assert action.kind == "unrecorded"
    assert action.event.id == events.match_ended_id("uid-1")
    assert action.event.data.ended_as is events.EndedAs.COMPLETED
    assert action.event.data.result == result
    assert (action.event.data.humans, action.event.data.bots) == (1, 1)


@pytest.mark.parametrize(
    ("phase", "reason", "ended_as"),
    [
        (Phase.FAILED, "ServerLost", events.EndedAs.FAILED),
        (Phase.CANCELLED, "Cancelled", events.EndedAs.CANCELLED),
        (Phase.FAILED, "SomethingNewer", events.EndedAs.FAILED),
    ],
)
def test_an_end_without_a_result_keeps_its_reason(phase, reason, ended_as):
    action = decide(a_row(), ended(phase, at_s=0, reason=reason, message="why"), at_s=60)
    assert action.event.data.ended_as is ended_as
    assert action.event.data.message == "why"
    wanted = Reason(reason) if reason in set(Reason) else None
    assert action.event.data.reason is wanted


def test_a_pending_match_that_nobody_took_is_removed_before_its_end_is_said():
    resource = a_resource()
    action = decide(a_row(), resource, at_s=75)
    assert isinstance(action, sweeps.RemovePending)
    assert action.resource is resource
    assert action.then.event.id == events.match_ended_id("uid-1")
    assert action.then.event.data.reason is Reason.ASSIGN_TIMEOUT


def test_a_match_that_never_was_asked_for_ends_under_its_rows_name():
    row = a_row(state=MatchState.REQUESTED, uid=None)
    action = decide(row, None, at_s=75)
    assert action.event.id == events.match_ended_id(f"row-{row.id}")
    assert action.event.data.match_uid == f"row-{row.id}"
    assert action.event.data.reason is Reason.ASSIGN_TIMEOUT


def test_a_deleted_match_ends_when_no_server_can_tell_its_result_any_more():
    row = a_row(state=MatchState.READY)
    assert decide(row, None, at_s=9999, has_server=True) is None
    action = decide(row, None, at_s=9999)
    assert action.event.id == events.match_ended_id("uid-1")
    assert action.event.data.reason is Reason.DELETED
