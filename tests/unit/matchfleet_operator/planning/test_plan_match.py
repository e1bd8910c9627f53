"""One Match, step by step: each row is what is seen, and what must follow."""

import dataclasses

import pytest

from matchfleet_contracts import events
from matchfleet_contracts.events import EndedAs
from matchfleet_contracts.ids import PodUid
from matchfleet_contracts.resources import Desired, Phase, Reason
from matchfleet_operator.planning import actions, plan_match, progress, supply
from matchfleet_operator.planning.plan_match import Around, Attempt
from matchfleet_operator.planning.rules import Rules
from matchfleet_operator.planning.seen import MatchSeen, PodPort, PodSeen
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at

RULES = Rules()
SOON = at(5)


def plan(match, pod=None, *, now=SOON, rules=RULES, **around):
    return plan_match.plan_match(match, pod, around=Around(**around), now=now, rules=rules)


def only(steps: actions.Plan, kind: type):
    found = [a for a in steps.actions if isinstance(a, kind)]
    assert len(found) == 1, steps.actions
    return found[0]


def recorded(steps: actions.Plan):
    return only(steps, actions.PatchMatchStatus).status


def kinds(steps: actions.Plan) -> list[str]:
    return [type(a).__name__ for a in steps.actions]


# ---- Pending


def test_a_waiting_match_is_left_to_its_fleet_until_its_deadline():
    steps = plan(builders.a_match())
    assert steps.actions == ()
    assert steps.wake_at == at(60)


def test_a_match_that_waited_in_vain_fails_with_what_its_fleets_say():
    hope = supply.Supply(reason=Reason.NO_CAPACITY, message="every server is taken")
    status = recorded(plan(builders.a_match(), now=at(60), supply=hope))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.NO_CAPACITY)
    assert status.message == "every server is taken"
    assert not progress.is_published(builders.a_match(status=status))


def test_a_match_without_hope_fails_at_once():
    hope = supply.Supply(hope=supply.Hope.NONE, reason=Reason.FLEET_GONE, message="deleted: eu")
    assert recorded(plan(builders.a_match(), now=at(1), supply=hope)).reason == Reason.FLEET_GONE


def test_a_match_that_comes_too_late_is_refused():
    late = builders.a_match(spec=builders.a_spec(not_after="2026-05-04T12:00:04Z"))
    status = recorded(plan(late, now=at(5)))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.TOO_LATE)


def test_a_waiting_match_is_cancelled_at_once():
    match = builders.a_match(spec=builders.a_spec(desired=Desired.CANCEL))
    assert recorded(plan(match)).phase is Phase.CANCELLED


# ---- Assigned


def test_a_chosen_server_is_claimed_at_the_version_it_was_seen_with_a_deadline_of_its_own():
    pod = builders.a_pod(started=at(-100), version=7)
    claim = only(plan(builders.an_assigned_match(), pod, now=at(5)), actions.ClaimPod)
    assert claim.pod.version == 7
    assert claim.deadline_s == 105 + 30 + 300 + 20 + 30


@pytest.mark.parametrize(
    "pod",
    [
        pytest.param(builders.a_pod(ready=False), id="not ready"),
        pytest.param(builders.a_pod(deletion_due=at(9)), id="being deleted"),
        pytest.param(builders.a_claimed_pod(match="other"), id="of another match"),
        pytest.param(builders.a_claimed_pod(deletion_due=at(9)), id="claimed and being deleted"),
        pytest.param(builders.an_ended_pod(exit_code=1), id="crashed before it agreed"),
    ],
)
def test_a_server_that_will_not_do_loses_the_match_before_another_is_tried(pod: PodSeen):
    status = recorded(plan(builders.an_assigned_match(), pod))
    assert status.phase is Phase.PENDING
    assert status.server is None


def test_a_server_that_refuses_to_be_claimed_loses_the_match():
    steps = plan(
        builders.an_assigned_match(), builders.a_pod(), unfit=frozenset({PodUid("uid-p1")})
    )
    assert recorded(steps).phase is Phase.PENDING


def test_an_unseen_server_is_looked_for_and_only_then_given_up():
    match = builders.an_assigned_match()
    assert kinds(plan(match)) == ["LookAtPod"]
    assert recorded(plan(match, pod_is_gone=True)).phase is Phase.PENDING


def test_a_claimed_server_is_told_what_to_play_again_and_again_until_it_answers():
    match, pod = builders.an_assigned_match(), builders.a_claimed_pod()
    assert kinds(plan(match, pod)) == ["SendAssignment"]
    tried = Attempt(first_at=at(4), last_at=at(4.9))
    waiting = plan(match, pod, now=at(5), attempt=tried)
    assert waiting.actions == ()
    assert kinds(plan(match, pod, now=waiting.wake_at, attempt=tried)) == ["SendAssignment"]


def test_a_server_that_does_not_answer_in_time_loses_the_match():
    tried = Attempt(first_at=at(0), last_at=at(5))
    status = recorded(plan(builders.an_assigned_match(), builders.a_claimed_pod(), attempt=tried))
    assert status.phase is Phase.PENDING


def test_a_server_that_has_another_match_loses_this_one():
    tried = Attempt(first_at=at(4), last_at=at(4), refused="it plays another match")
    status = recorded(plan(builders.an_assigned_match(), builders.a_claimed_pod(), attempt=tried))
    assert status.phase is Phase.PENDING


def test_a_match_that_no_server_would_play_fails_with_the_servers_words():
    tried = Attempt(
        first_at=at(4), last_at=at(4), refused="durationSeconds is negative", unplayable=True
    )
    status = recorded(plan(builders.an_assigned_match(), builders.a_claimed_pod(), attempt=tried))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.GAME_FAILED)
    assert "durationSeconds" in status.message


AT_7003 = (PodPort(name="game", container_port=7777, host_port=7003),)
AGREED = Attempt(first_at=at(4), last_at=at(4), acknowledged=True)


@pytest.mark.parametrize(
    ("pod", "node_address", "url"),
    [
        pytest.param(builders.a_claimed_pod(), "", "ws://10.0.0.9:7777", id="pod"),
        pytest.param(
            builders.a_claimed_pod(ports=AT_7003), "", "ws://192.168.0.1:7003", id="node unread"
        ),
        pytest.param(
            builders.a_claimed_pod(ports=AT_7003),
            "203.0.113.5",
            "ws://203.0.113.5:7003",
            id="node",
        ),
        pytest.param(
            builders.a_claimed_pod(ports=AT_7003, address="play.example"),
            "203.0.113.5",
            "ws://play.example:7003",
            id="told by the fleet",
        ),
        pytest.param(builders.a_claimed_pod(ip="fd00::9"), "", "ws://[fd00::9]:7777", id="IPv6"),
    ],
)
def test_a_match_is_ready_at_the_address_players_can_reach(pod, node_address, url):
    steps = plan(builders.an_assigned_match(), pod, attempt=AGREED, node_address=node_address)
    status = recorded(steps)
    assert status.phase is Phase.READY
    assert status.server.url == url
    assert status.times.ready == at(5)
    assert [c.status for c in status.conditions if c.type == "Ready"] == ["True"]


def test_ready_is_told_after_it_is_recorded_and_told_once():
    match, pod = builders.a_ready_match(), builders.a_claimed_pod()
    told = only(plan(match, pod), actions.PublishReady)
    assert told.event.id == events.match_ready_id("uid-m1", "uid-p1")
    assert plan(match, pod, ready_told=True).actions == ()


# ---- ends


def test_a_completed_match_is_published_before_it_is_recorded_and_counts_as_published():
    pod = builders.an_ended_pod(builders.a_message())
    steps = plan(builders.a_ready_match(), pod)
    assert kinds(steps)[:2] == ["PublishEnd", "PatchMatchStatus"]
    status = recorded(steps)
    assert status.phase is Phase.COMPLETED
    assert status.result == builders.a_result()
    assert status.times.ended == at(10)
    assert progress.is_published(builders.a_match(status=status))


@pytest.mark.parametrize("phase", [Phase.ASSIGNED, Phase.READY])
@pytest.mark.parametrize(
    ("change", "now"),
    [
        pytest.param({"spec": builders.a_spec(desired=Desired.CANCEL)}, at(12), id="cancel"),
        pytest.param({"deleting": True}, at(12), id="deletion"),
        pytest.param({}, at(100_000), id="every deadline"),
    ],
)
def test_a_valid_result_beats(phase, change, now):
    make = builders.an_assigned_match if phase is Phase.ASSIGNED else builders.a_ready_match
    pod = builders.an_ended_pod(builders.a_message(), exit_code=137, reason="OOMKilled")
    assert recorded(plan(make(**change), pod, now=now)).phase is Phase.COMPLETED


@pytest.mark.parametrize("reason", [Reason.JOIN_TIMEOUT, Reason.TICK_STALLED, Reason.DRAINED])
def test_a_void_result_fails_the_match_with_its_reason(reason):
    pod = builders.an_ended_pod(builders.a_message(builders.a_void_result(reason)))
    steps = plan(builders.a_ready_match(), pod)
    status = recorded(steps)
    assert (status.phase, status.reason) == (Phase.FAILED, reason)
    assert "PublishEnd" not in kinds(steps)


@pytest.mark.parametrize(
    ("pod", "reason", "words"),
    [
        pytest.param(
            builders.an_ended_pod(exit_code=137, reason="OOMKilled"),
            Reason.SERVER_LOST,
            "memory",
            id="out of memory",
        ),
        pytest.param(
            builders.an_ended_pod(exit_code=1, reason="Error"),
            Reason.SERVER_LOST,
            "code 1",
            id="crash",
        ),
        pytest.param(builders.an_ended_pod("{}"), Reason.RESULT_INVALID, "read", id="no result"),
        pytest.param(
            builders.an_ended_pod(builders.a_message()[:-9]),
            Reason.RESULT_INVALID,
            "read",
            id="cut short",
        ),
        pytest.param(
            builders.an_ended_pod(builders.a_message(builders.a_result("other"))),
            Reason.RESULT_INVALID,
            "uid-other",
            id="of another match",
        ),
        pytest.param(
            dataclasses.replace(
                builders.an_ended_pod(exit_code=137), reason="Evicted", message="disk pressure"
            ),
            Reason.EVICTED,
            "disk pressure",
            id="evicted",
        ),
        pytest.param(
            dataclasses.replace(builders.an_ended_pod(exit_code=137), reason="DeadlineExceeded"),
            Reason.TIMED_OUT,
            "DeadlineExceeded",
            id="past its own deadline",
        ),
        pytest.param(
            builders.an_ended_pod(
                "The container could not be located", exit_code=137, reason="ContainerStatusUnknown"
            ),
            Reason.NODE_LOST,
            "located",
            id="node forgot it",
        ),
        pytest.param(
            builders.a_claimed_pod(
                phase="Failed", ready=False, disruption="DeletionByTaintManager"
            ),
            Reason.NODE_LOST,
            "DeletionByTaintManager",
            id="node gone",
        ),
    ],
)
def test_a_server_without_a_result_fails_the_match_for_a_reason_people_understand(
    pod, reason, words
):
    looked_at = {pod.uid: at(30)}
    status = recorded(plan(builders.a_ready_match(), pod, now=at(30), looked_at=looked_at))
    assert (status.phase, status.reason) == (Phase.FAILED, reason)
    assert words in status.message


def test_a_pod_that_failed_gets_a_moment_to_say_how():
    pod = builders.a_claimed_pod(phase="Failed", ready=False, unready_since=at(4))
    steps = plan(builders.a_ready_match(), pod, now=at(5), ready_told=True)
    assert steps.actions == ()
    assert steps.wake_at == at(7)


def test_a_result_of_a_pod_with_another_uid_is_never_read():
    impostor = builders.an_ended_pod(builders.a_message(), uid=PodUid("uid-other"))
    steps = plan(builders.a_ready_match(), None, strays=(impostor,), now=at(12))
    assert kinds(steps) == ["LookAtMatch", "LookAtPod"]
    settled = frozenset({impostor.uid})
    steps = plan(builders.a_ready_match(), None, strays=(impostor,), settled=settled, now=at(12))
    assert kinds(steps) == ["ReleaseFinalizer", "DeletePod", "LookAtPod"]


def test_a_server_unseen_is_looked_for_before_its_match_fails():
    match = builders.a_ready_match()
    assert kinds(plan(match)) == ["LookAtPod"]
    status = recorded(plan(match, pod_is_gone=True))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.SERVER_LOST)


@pytest.mark.parametrize(
    ("works", "lost_after"), [(None, 15.0), (False, 5.0), (True, 60.0)], ids=str
)
def test_a_server_that_its_node_does_not_report_is_lost_sooner_if_the_node_is(works, lost_after):
    pod = builders.a_claimed_pod(deletion_due=at(100), deletion_grace_s=30)
    match = builders.a_ready_match()
    early = plan(match, pod, now=at(100), node_works=works, ready_told=True)
    assert (early.actions, early.wake_at) == ((), at(100 + lost_after))
    late = early.wake_at
    assert kinds(plan(match, pod, now=late, node_works=works)) == ["LookAtPod"]
    looked_at = {pod.uid: late}
    status = recorded(plan(match, pod, now=late, node_works=works, looked_at=looked_at))
    assert (status.phase, status.reason) == (Phase.FAILED, Reason.NODE_LOST)


def test_a_look_from_before_a_server_should_have_stopped_says_nothing_about_after():
    pod = builders.a_claimed_pod(deletion_due=at(100), deletion_grace_s=2)
    steps = plan(builders.a_ready_match(), pod, now=at(116), looked_at={pod.uid: at(90)})
    assert kinds(steps) == ["LookAtPod"]


def test_a_match_cancelled_while_it_is_assigned_looks_whether_its_server_plays_already():
    match = builders.an_assigned_match(spec=builders.a_spec(desired=Desired.CANCEL))
    pod = builders.a_pod()
    assert kinds(plan(match, pod)) == ["LookAtPod"]
    assert recorded(plan(match, pod, looked_at={pod.uid: at(5)})).phase is Phase.CANCELLED


def test_a_cancelled_match_has_its_server_ended_first_and_reads_its_last_word():
    match = builders.a_ready_match(spec=builders.a_spec(desired=Desired.CANCEL))
    steps = plan(match, builders.a_claimed_pod())
    assert only(steps, actions.DeletePod).grace_s == RULES.kill_grace_s
    stopping = builders.a_claimed_pod(deletion_due=at(7), deletion_grace_s=2)
    assert plan(match, stopping).actions == ()
    ended = dataclasses.replace(
        builders.an_ended_pod(exit_code=137), deletion_due=at(7), deletion_grace_s=2
    )
    status = recorded(plan(match, ended, now=at(11)))
    assert (status.phase, status.reason) == (Phase.CANCELLED, Reason.CANCELLED)


def test_a_server_that_overstays_is_ended_and_its_match_timed_out():
    match = builders.a_ready_match()
    late = at(2 + 30 + 300 + 20 + 30)
    assert kinds(plan(match, builders.a_claimed_pod(), now=late)) == ["DeletePod"]
    killed = dataclasses.replace(
        builders.an_ended_pod(exit_code=137), deletion_due=late, deletion_grace_s=2
    )
    assert recorded(plan(match, killed, now=late)).reason == Reason.TIMED_OUT


def test_a_server_that_crashed_while_nobody_looked_is_not_called_overdue():
    crashed = builders.an_ended_pod(exit_code=137, reason="OOMKilled")
    assert recorded(plan(builders.a_ready_match(), crashed, now=at(9999))).reason == "ServerLost"


# ---- after the end


def test_a_failed_match_is_published_then_marked():
    match = builders.an_ended_match(published=False)
    steps = plan(match)
    assert kinds(steps) == ["PublishEnd", "PatchMatchStatus"]
    told = only(steps, actions.PublishEnd).event
    assert told.id == events.match_ended_id("uid-m1")
    assert (told.data.ended_as, told.data.reason) == (EndedAs.FAILED, Reason.SERVER_LOST)
    assert told == only(plan(match, now=at(900)), actions.PublishEnd).event
    assert progress.is_published(dataclasses.replace(match, status=recorded(steps)))


def test_a_pod_is_let_go_only_after_its_matchs_end_is_published():
    pod = builders.an_ended_pod(builders.a_message())
    unpublished = plan(builders.an_ended_match(Phase.COMPLETED, published=False), pod)
    assert "ReleaseFinalizer" not in kinds(unpublished)
    published = plan(builders.an_ended_match(Phase.COMPLETED, published=True), pod)
    assert kinds(published) == ["ReleaseFinalizer", "DeletePod"]


def test_an_ended_match_is_kept_for_its_time_and_never_removed_unpublished():
    match = builders.an_ended_match(published=True)
    early = plan(match, now=at(11))
    assert (early.actions, early.wake_at) == ((), at(610))
    assert kinds(plan(match, now=at(610))) == ["DeleteMatch"]
    assert "DeleteMatch" not in kinds(plan(builders.an_ended_match(published=False), now=at(9999)))


def test_an_ended_match_stays_as_it_ended():
    match = builders.an_ended_match(Phase.FAILED, published=True)
    pod = builders.an_ended_pod(builders.a_message())
    assert not any(isinstance(a, actions.PatchMatchStatus) for a in plan(match, pod).actions)


# ---- gone


def test_a_match_is_gone_only_when_the_api_server_says_so_after_the_claim():
    gone = builders.a_gone_match()
    steps = plan(gone, None, strays=(builders.a_claimed_pod(),))
    assert kinds(steps) == ["LookAtMatch"]


SETTLED = frozenset({PodUid("uid-p1")})


def test_a_deleted_match_with_a_result_is_published_as_completed_all_the_same():
    pod = builders.an_ended_pod(builders.a_message())
    steps = plan(builders.a_gone_match(), None, strays=(pod,), settled=SETTLED, now=at(12))
    assert kinds(steps) == ["PublishEnd", "ReleaseFinalizer", "DeletePod"]
    told = only(steps, actions.PublishEnd).event
    assert told.data.ended_as is EndedAs.COMPLETED
    of_match = plan(builders.a_ready_match(), pod, now=at(12))
    assert told == only(of_match, actions.PublishEnd).event


def test_a_deleted_match_that_was_still_played_has_its_server_ended_and_is_told_as_cancelled():
    gone = builders.a_gone_match()
    playing = plan(gone, None, strays=(builders.a_claimed_pod(),), settled=SETTLED)
    assert kinds(playing) == ["DeletePod"]
    killed = builders.an_ended_pod(exit_code=137)
    steps = plan(gone, None, strays=(killed,), settled=SETTLED, now=at(12))
    data = only(steps, actions.PublishEnd).event.data
    assert (data.ended_as, data.reason) == (EndedAs.CANCELLED, Reason.DELETED)
    assert (data.game, data.mode, data.region, data.bots) == ("airhockey", "blitz", "eu", 2)


def test_a_match_deleted_while_it_waited_is_told_as_cancelled_and_forgotten():
    gone = builders.a_gone_match(last=builders.a_match())
    steps = plan(gone)
    assert kinds(steps) == ["PublishEnd", "ForgetMatch"]
    assert kinds(plan(gone, end_told=True)) == ["ForgetMatch"]


@pytest.mark.parametrize(
    "last", [builders.an_assigned_match(), builders.a_ready_match()], ids=["Assigned", "Ready"]
)
def test_the_end_of_a_match_whose_server_is_gone_too_was_told_by_who_let_it_go(last):
    assert kinds(plan(builders.a_gone_match(last=last))) == ["ForgetMatch"]


def test_a_match_that_may_have_moved_on_before_it_vanished_is_left_to_others():
    gone = dataclasses.replace(builders.a_gone_match(last=builders.a_match()), is_final=False)
    assert kinds(plan(gone)) == ["ForgetMatch"]


def test_an_end_that_was_recorded_is_told_and_no_other():
    last = builders.an_ended_match(published=False)
    pod = builders.an_ended_pod(builders.a_message())
    gone = builders.a_gone_match(last=last)
    steps = plan(gone, None, strays=(pod,), settled=SETTLED, now=at(12))
    assert only(steps, actions.PublishEnd).event.data.reason == Reason.SERVER_LOST


def test_a_match_deleted_after_its_end_was_published_is_forgotten():
    gone = builders.a_gone_match(last=builders.an_ended_match(published=True))
    assert kinds(plan(gone)) == ["ForgetMatch"]


def test_a_pod_that_was_let_go_is_not_told_of_again():
    pod = dataclasses.replace(builders.an_ended_pod(builders.a_message()), finalizers=())
    steps = plan(builders.a_gone_match(), None, strays=(pod,), settled=SETTLED)
    assert kinds(steps) == ["DeletePod"]


@pytest.mark.parametrize(
    "match", [builders.a_ready_match(), builders.a_gone_match()], ids=["seen", "gone"]
)
def test_nothing_is_held_back_when_the_namespace_ends(match):
    pod = builders.a_claimed_pod()
    around = {"namespace_ending": True}
    seen = isinstance(match, MatchSeen)
    steps = plan(match, pod if seen else None, strays=() if seen else (pod,), **around)
    assert kinds(steps) == ["ReleaseFinalizer"]
