"""A Match's whole life through planners, cache and executor, against an API server in memory."""

import pytest

from matchfleet_contracts import results
from matchfleet_contracts.events import EndedAs, MatchEnded, MatchReady
from matchfleet_contracts.resources import FINALIZER_RESULT, Reason
from matchfleet_operator import errors
from matchfleet_operator.acting import kube
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.rig import Rig


def a_message(uid: str) -> str:
    return results.encode(builders.a_result("x", match_uid=uid)).decode()


def ended(rig: Rig) -> list[MatchEnded]:
    return [e.data for e in rig.publisher.published if isinstance(e.data, MatchEnded)]


def condition(found: dict, kind: str) -> dict:
    return next(c for c in found["status"]["conditions"] if c["type"] == kind)


def play(rig: Rig, name: str = "m1") -> None:
    """Ends a Ready match with a valid result."""
    uid = rig.match(name)["metadata"]["uid"]
    rig.api.end_pod(rig.server_of(name), message=a_message(uid))


def test_a_cold_match_is_played_published_and_cleaned_away():
    rig = Rig()
    rig.apply_fleet(warm=0)
    server = rig.ready_match()
    assert rig.match()["status"]["players"] == "2 bots"
    assert rig.match()["status"]["server"]["url"] == "ws://10.0.0.1:7777"
    assert condition(rig.match(), "Ready")["status"] == "True"
    assert isinstance(rig.publisher.published[0].data, MatchReady)
    pod = rig.api.one(kube.PODS, server)
    assert pod["metadata"]["finalizers"] == [FINALIZER_RESULT]
    assert pod["metadata"]["ownerReferences"][0]["kind"] == "Match"
    assert pod["spec"]["activeDeadlineSeconds"] == 30 + 300 + 20 + 30

    play(rig)
    rig.settle()
    assert rig.phase() == "Completed"
    assert condition(rig.match(), "ResultPublished")["status"] == "True"
    assert [e.ended_as for e in ended(rig)] == [EndedAs.COMPLETED]
    assert rig.pods() == []
    rig.pass_s(601)
    assert rig.api.everything(kube.MATCHES) == []
    assert len(ended(rig)) == 1


def test_a_warm_fleet_serves_at_once_and_makes_up_for_it():
    rig = Rig()
    rig.apply_fleet(warm=2)
    rig.settle()
    rig.start_pods()
    rig.settle()
    rig.apply_match()
    rig.settle()
    assert rig.phase() == "Ready"
    assert len(rig.pods()) == 3


def test_the_life_of_a_warm_match_takes_eight_writes():
    """Assigned, claimed, Ready, Completed, let go, pod deleted, refilled, Match deleted."""
    rig = Rig()
    rig.apply_fleet(warm=1)
    rig.settle()
    rig.start_pods()
    rig.settle()
    rig.pass_s(5)
    rig.api.writes.clear()
    rig.apply_match()
    rig.settle()
    rig.start_pods()
    play(rig)
    rig.settle()
    rig.pass_s(601)
    lives = [w for w in rig.api.writes if w[1] != "fleets"]
    assert [verb for verb, _, _ in lives].count("patch") == 5
    assert len(lives) == 8


def test_a_lost_server_fails_its_match_and_leaves_nothing():
    rig = Rig()
    rig.apply_fleet()
    server = rig.ready_match()
    rig.api.end_pod(server, exit_code=137, reason="OOMKilled")
    rig.settle()
    assert (rig.phase(), rig.match()["status"]["reason"]) == ("Failed", Reason.SERVER_LOST)
    assert condition(rig.match(), "ResultPublished")["status"] == "True"
    assert [e.reason for e in ended(rig)] == [Reason.SERVER_LOST]
    assert rig.pods() == []


def test_a_result_outlives_a_broker_that_is_down_and_an_operator_that_is_killed():
    rig = Rig()
    rig.apply_fleet()
    rig.ready_match()
    rig.publisher.is_up = False
    play(rig)
    rig.settle()
    assert rig.phase() == "Ready"
    assert len(rig.pods()) == 1
    rig.start()
    rig.pass_s(3600)
    assert rig.phase() == "Ready"
    rig.publisher.is_up = True
    rig.settle()
    assert rig.phase() == "Completed"
    assert rig.pods() == []


def test_a_match_deleted_after_its_result_is_rated_all_the_same():
    rig = Rig()
    rig.apply_fleet()
    rig.ready_match()
    rig.publisher.is_up = False
    play(rig)
    rig.settle()
    rig.api.begin_deletion(kube.MATCHES, "m1")
    rig.api.collect_garbage()
    rig.start()
    rig.settle()
    assert len(rig.pods()) == 1
    rig.publisher.is_up = True
    rig.settle()
    assert [e.ended_as for e in ended(rig)] == [EndedAs.COMPLETED]
    assert rig.pods() == []


def test_a_match_deleted_mid_play_has_its_server_ended_and_is_told_once():
    rig = Rig()
    rig.apply_fleet()
    server = rig.ready_match()
    rig.api.begin_deletion(kube.MATCHES, "m1")
    rig.api.collect_garbage()
    rig.settle()
    assert rig.api.one(kube.PODS, server)["metadata"]["deletionGracePeriodSeconds"] == 2
    assert ended(rig) == []
    rig.api.end_pod(server, exit_code=143, reason="Error")
    rig.settle()
    assert [(e.ended_as, e.reason) for e in ended(rig)] == [(EndedAs.CANCELLED, Reason.DELETED)]
    assert rig.pods() == []
    assert rig.cache.gone_matches == {}


def test_a_match_deleted_while_it_waits_is_told_as_cancelled():
    rig = Rig()
    rig.apply_match()
    rig.settle()
    rig.api.begin_deletion(kube.MATCHES, "m1")
    rig.settle()
    assert [(e.ended_as, e.reason) for e in ended(rig)] == [(EndedAs.CANCELLED, Reason.DELETED)]
    assert rig.cache.gone_matches == {}


def test_a_silent_server_loses_the_match_which_is_played_on_another():
    rig = Rig()
    rig.apply_fleet()
    rig.apply_match()
    rig.settle()
    rig.start_pods()
    first = rig.pods()[0]["metadata"]["name"]
    rig.servers.silent.add(first)
    rig.settle()
    assert rig.phase() == "Assigned"
    rig.pass_s(6)
    assert rig.phase() == "Pending"
    assert "agree" in condition(rig.match(), "Assigned")["message"]
    assert rig.api.one(kube.PODS, first)["metadata"]["deletionGracePeriodSeconds"] == 2
    rig.api.end_pod(first, exit_code=143)
    rig.settle()
    rig.start_pods()
    rig.settle()
    assert rig.phase() == "Ready"
    assert rig.server_of() != first
    assert [p["metadata"]["name"] for p in rig.pods()] == [rig.server_of()]


def test_a_game_that_cannot_be_played_fails_with_the_servers_words():
    rig = Rig()
    rig.apply_fleet()
    rig.servers.unplayable = "durationSeconds must be positive"
    rig.apply_match()
    rig.settle()
    rig.start_pods()
    rig.settle()
    assert rig.match()["status"]["reason"] == Reason.GAME_FAILED
    assert "durationSeconds" in rig.match()["status"]["message"]
    (pod,) = rig.pods()
    assert "deletionTimestamp" in pod["metadata"]


def test_a_bad_template_fails_waiting_matches_with_its_own_words_and_never_loops_hot():
    rig = Rig()
    rig.apply_fleet()
    rig.apply_match()
    rig.settle()
    for _ in range(70):
        for pod in rig.pods():
            waiting = {"reason": "ImagePullBackOff", "message": "no such image: g:1"}
            state = {"name": "game", "state": {"waiting": waiting}}
            status = {"status": {"containerStatuses": [state]}}
            rig.api.change(kube.PODS, pod["metadata"]["name"], status)
        rig.pass_s(1)
    assert rig.match()["status"]["reason"] == Reason.ASSIGN_TIMEOUT
    assert "no such image: g:1" in rig.match()["status"]["message"]
    created = [w for w in rig.api.writes if w[:2] == ("create", "pods")]
    assert len(created) <= 4
    assert [e.reason for e in rig.emitted if e.about.name == "eu"] == ["CannotStart"]


def test_a_fleet_that_is_deleted_fails_waiting_matches_at_once_and_lets_live_ones_finish():
    rig = Rig()
    rig.apply_fleet(most=1)
    server = rig.ready_match("live")
    rig.apply_match("late")
    rig.settle()
    rig.api.begin_deletion(kube.FLEETS, "eu")
    rig.settle()
    assert rig.match("late")["status"]["reason"] == Reason.FLEET_GONE
    assert rig.phase("live") == "Ready"
    assert rig.server_of("live") == server
    play(rig, "live")
    rig.settle()
    assert rig.phase("live") == "Completed"


def test_a_match_without_any_fleet_fails_at_its_deadline():
    rig = Rig()
    rig.apply_match()
    rig.settle()
    rig.pass_s(59)
    assert rig.phase() == "Pending"
    rig.pass_s(1)
    assert rig.match()["status"]["reason"] == Reason.FLEET_GONE


def test_a_full_fleet_fails_waiting_matches_for_want_of_capacity():
    rig = Rig()
    rig.apply_fleet(most=1)
    rig.ready_match("first")
    rig.apply_match("second")
    rig.settle()
    rig.pass_s(2)
    rig.pass_s(58)
    assert rig.match("second")["status"]["reason"] == Reason.NO_CAPACITY
    assert "max 1" in rig.match("second")["status"]["message"]


def test_creations_that_are_refused_fail_waiting_matches_with_the_reason():
    rig = Rig()

    def quota(verb, kind, name, when):
        if verb == "create" and when == "before":
            raise errors.Refused("exceeded quota: pods=0", status=403)

    rig.api.faults = quota
    rig.apply_fleet()
    rig.apply_match()
    rig.settle()
    for _ in range(30):
        rig.pass_s(2)
    assert "exceeded quota" in rig.match()["status"]["message"]


def test_a_cancelled_match_ends_its_server_first():
    rig = Rig()
    rig.apply_fleet()
    server = rig.ready_match()
    rig.api.change(kube.MATCHES, "m1", {"spec": {"desired": "Cancel"}})
    rig.settle()
    assert rig.phase() == "Ready"
    rig.api.end_pod(server, exit_code=143)
    rig.settle()
    assert rig.phase() == "Cancelled"
    assert [e.ended_as for e in ended(rig)] == [EndedAs.CANCELLED]
    assert rig.pods() == []


def test_a_server_that_hangs_past_every_deadline_is_ended_and_its_match_timed_out():
    rig = Rig()
    rig.apply_fleet()
    server = rig.ready_match()
    rig.pass_s(30 + 300 + 20 + 31)
    rig.api.end_pod(server, exit_code=137)
    rig.settle()
    assert rig.match()["status"]["reason"] == Reason.TIMED_OUT


def test_a_node_that_dies_takes_its_match_with_it_and_the_pod_is_forced_away():
    rig = Rig()
    rig.apply_fleet()
    server = rig.ready_match()
    rig.api.begin_deletion(kube.PODS, server)
    rig.settle()
    rig.pass_s(30)
    assert rig.phase() == "Ready"
    rig.pass_s(15)
    assert rig.match()["status"]["reason"] == Reason.NODE_LOST
    assert rig.pods() == []


def test_a_namespace_that_ends_is_not_held_up():
    rig = Rig()
    rig.apply_fleet(warm=1)
    server = rig.ready_match()
    rig.memory.namespace_ending = True
    rig.settle()
    assert "finalizers" not in rig.api.one(kube.PODS, server)["metadata"]


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_what_a_watch_loses_a_fresh_look_repairs(lost):
    """The operator's own writes and looks are enough to end a match of which no event arrived."""
    rig = Rig()
    rig.apply_fleet()
    rig.ready_match()
    play(rig)
    del rig.unheard[:lost]
    rig.settle()
    rig.start()
    rig.settle()
    assert rig.phase() == "Completed"


def test_a_name_that_is_used_again_is_another_match():
    rig = Rig()
    rig.apply_fleet()
    first = rig.ready_match()
    play(rig)
    rig.api.begin_deletion(kube.MATCHES, "m1")
    second = rig.apply_match()
    rig.settle()
    rig.start_pods()
    rig.settle()
    assert rig.match()["metadata"]["uid"] == second
    assert rig.server_of() != first
    assert [e.match_uid for e in ended(rig)] != [second]
    assert [e.ended_as for e in ended(rig)] == [EndedAs.COMPLETED]
