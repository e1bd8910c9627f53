import msgspec
import pytest
from tickets import MATCH, NOW, a_pod, a_resource, a_result, later

from matchfleet_adapters.postgres import audit
from matchfleet_adapters.postgres.matches import MatchState
from matchfleet_api.audit import clustered
from matchfleet_contracts import resources
from matchfleet_contracts.resources import Phase

SERVER = resources.Server(pod="airhockey-eu-aaaaa", pod_uid="uid-airhockey-eu-aaaaa", url="ws://x")


def a_record(state=MatchState.COMPLETED, result=None, reason=None):
    kept = None if result is None else msgspec.to_builtins(result)
    return {MATCH: audit.Recorded(MATCH, state, "uid-1", kept, reason)}


def completed(**changes):
    values = {"phase": Phase.COMPLETED, "ended_s": NOW.timestamp(), "result": a_result()}
    return a_resource(**(values | changes))


def results_kept(found, rows, *, after_s=90):
    now_s = later(after_s).timestamp()
    return clustered.results_kept(found, rows, now_s=now_s, grace_s=90).violations


def test_i1_a_result_that_is_recorded_is_well():
    assert results_kept([completed()], a_record(result=a_result())) == ()


@pytest.mark.parametrize(
    ("resource", "rows", "told"),
    [
        pytest.param(completed(), {}, "there is no row", id="no row"),
        pytest.param(completed(), a_record(MatchState.READY), "its row is ready", id="not ended"),
        pytest.param(completed(), a_record(MatchState.FAILED), "is failed", id="another end"),
        pytest.param(
            completed(),
            a_record(result=a_result(ticks=1, late_ticks=0)),
            "another result",
            id="another result",
        ),
        pytest.param(completed(), a_record(), "another result", id="result lost"),
        pytest.param(
            a_resource(phase=Phase.FAILED, ended_s=NOW.timestamp()),
            a_record(MatchState.CREATED),
            "its row is created",
            id="failure not recorded",
        ),
    ],
)
def test_i1_finds_an_end_that_was_lost(resource, rows, told):
    (violation,) = results_kept([resource], rows)
    assert told in violation


def test_i1_a_result_that_ranking_did_not_believe_is_well():
    refused = a_record(MatchState.FAILED, reason="ResultInvalid")
    assert results_kept([completed()], refused) == ()


def test_i1_leaves_time_to_record_and_leaves_other_peoples_matches_alone():
    assert results_kept([completed()], {}, after_s=89) == ()
    assert results_kept([completed(annotations={})], {}) == ()
    assert results_kept([a_resource()], {}, after_s=9999) == ()


def test_i6_one_live_server_is_well():
    found = [a_resource(phase=Phase.READY, server=SERVER), completed(name="m-other", uid="uid-1")]
    dying = a_pod("airhockey-eu-bbbbb", is_live=False)
    assert clustered.one_server(found, [a_pod(), dying]).ok


@pytest.mark.parametrize(
    ("found", "servers", "told"),
    [
        pytest.param(
            [a_resource(phase=Phase.ASSIGNED)],
            [a_pod(), a_pod("airhockey-eu-bbbbb")],
            "2 live servers",
            id="two live servers",
        ),
        pytest.param(
            [a_resource(phase=Phase.READY, server=SERVER)],
            [a_pod("airhockey-eu-bbbbb")],
            "status.server names another",
            id="another server plays it",
        ),
        pytest.param(
            [completed(result=a_result("uid-2"))], [], "answers uid-2", id="another match's result"
        ),
    ],
)
def test_i6_finds_a_second_server(found, servers, told):
    (violation,) = clustered.one_server(found, servers).violations
    assert told in violation


def outlives(found, servers, *, after_s=0.0):
    now_s = later(after_s).timestamp()
    return clustered.none_outlives(found, servers, now_s=now_s, grace_s=60).violations


def test_i7_a_pod_with_a_live_match_is_well():
    idle = a_pod("airhockey-eu-ccccc", is_busy=False, match=None, match_uid=None)
    in_time = a_pod(deadline_s=later(100).timestamp())
    assert outlives([a_resource(phase=Phase.READY)], [in_time, idle], after_s=160) == ()


@pytest.mark.parametrize(
    ("found", "pod", "told"),
    [
        pytest.param([], a_pod(), "its Match", id="match gone"),
        pytest.param([a_resource(uid="uid-9")], a_pod(), "is gone", id="another incarnation"),
        pytest.param([completed()], a_pod(), "after its match", id="match long over"),
        pytest.param(
            [a_resource()], a_pod(deadline_s=later(39).timestamp()), "deadline", id="deadline"
        ),
    ],
)
def test_i7_finds_a_pod_that_outlives(found, pod, told):
    (violation,) = outlives(found, [pod], after_s=100)
    assert told in violation
