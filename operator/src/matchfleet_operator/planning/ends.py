"""How a match ended, judged from what its server left behind, and the event that tells it.

A valid result beats everything. Without one, the pod's own words decide the reason: the container's
message, then why the pod was stopped, then how its process exited. The event is a pure function of
what is recorded, so that a second publication says the same as the first.
"""

import dataclasses
import datetime
import enum
from dataclasses import dataclass

from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts import events, results
from matchfleet_contracts.events import EndedAs
from matchfleet_contracts.ids import MatchUid
from matchfleet_contracts.resources import Phase, PlayerKind, Reason
from matchfleet_contracts.results import Outcome, Result
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import Claim, MatchSeen, PodSeen, Terminated

SOURCE = "/operator"

# The kubelet writes messages of its own under these reasons; they are no results.
_NOT_THE_GAMES_WORDS = frozenset(
    {"ContainerStatusUnknown", "StartError", "ContainerCannotRun", "ContainerCreating"}
)
# 128 and SIGKILL.
_KILLED = 137
_BY_POD_REASON = {
    "Evicted": Reason.EVICTED,
    "Preempting": Reason.EVICTED,
    "DeadlineExceeded": Reason.TIMED_OUT,
    "NodeLost": Reason.NODE_LOST,
    "NodeShutdown": Reason.NODE_LOST,
    "Terminated": Reason.NODE_LOST,
}
_BY_DISRUPTION = {
    "EvictionByEvictionAPI": Reason.EVICTED,
    "PreemptionByScheduler": Reason.EVICTED,
    "DeletionByTaintManager": Reason.NODE_LOST,
    "DeletionByPodGC": Reason.NODE_LOST,
    "TerminationByKubelet": Reason.EVICTED,
}
_PHASES = {
    EndedAs.COMPLETED: Phase.COMPLETED,
    EndedAs.FAILED: Phase.FAILED,
    EndedAs.CANCELLED: Phase.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One match's end: how, when, and why if it was not played to its end."""

    ended_as: EndedAs
    at: datetime.datetime
    reason: Reason | None = None
    message: str = ""
    result: Result | None = None

    @property
    def phase(self) -> Phase:
        """The phase that records it."""
        return _PHASES[self.ended_as]

    @property
    def is_completed(self) -> bool:
        """Whether the game was played to an end that may be rated."""
        return self.ended_as is EndedAs.COMPLETED


def failed(reason: Reason, message: str, at: datetime.datetime) -> End:
    """A match that failed."""
    return End(ended_as=EndedAs.FAILED, at=at, reason=reason, message=message)


def cancelled(reason: Reason, message: str, at: datetime.datetime) -> End:
    """A match that somebody called off."""
    return End(ended_as=EndedAs.CANCELLED, at=at, reason=reason, message=message)


class State(enum.StrEnum):
    """What can be said of a claimed server.

    PLAYING: more may come from it. UNSURE: nothing more should come, but what we know may be old,
    so it is read from the API server before anything is concluded. OVER: it has said its last word.
    LOST: it should have stopped long ago, and its node says nothing.
    """

    PLAYING = "playing"
    UNSURE = "unsure"
    OVER = "over"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How well a server is seen.

    node_works: whether its node does; None when nodes cannot be read.
    looked_at: when the pod was last read from the API server itself.
    """

    node_works: bool | None = None
    looked_at: datetime.datetime | None = None


def judge(pod: PodSeen, sight: Sight, *, now: datetime.datetime, rules: Rules) -> State:
    """What can be said of a claimed server now."""
    if pod.terminated is not None:
        return State.OVER
    at = settles_at(pod, sight, rules)
    if at is None or now < at:
        return State.PLAYING
    if sight.looked_at is None or sight.looked_at < at:
        return State.UNSURE
    return State.OVER if pod.has_ended else State.LOST


def settles_at(pod: PodSeen, sight: Sight, rules: Rules) -> datetime.datetime | None:
    """When a server that is not reported ended may be given up; None while nothing says so.

    A pod may be called Failed a moment before its container's end, and so its result, is reported.
    """
    if pod.has_ended:
        return (pod.unready_since or pod.created) + seconds(rules.settle_s)
    return lost_at(pod, node_works=sight.node_works, rules=rules)


def lost_at(pod: PodSeen, *, node_works: bool | None, rules: Rules) -> datetime.datetime | None:
    """When a pod that should have stopped, and is not reported stopped, counts as lost."""
    if pod.deletion_due is None:
        return None
    factor = {None: 1.0, True: 4.0, False: 1 / 3}[node_works]
    return pod.deletion_due + seconds(rules.lost_s * factor)


def of_server(pod: PodSeen, *, match_uid: MatchUid, now: datetime.datetime) -> End:
    """The end that a server's pod tells once it is over."""
    ended = pod.terminated
    at = (ended.at if ended else None) or now
    if ended is not None and ended.message and ended.reason not in _NOT_THE_GAMES_WORDS:
        return _blamed(_of_message(ended.message, match_uid=match_uid, at=at), pod)
    reason, message = _without_result(pod, ended)
    return failed(reason, message, at)


def _blamed(end: End, pod: PodSeen) -> End:
    """A server only knows that it was told to stop; its pod may say by whom."""
    by_whom = pod.reason if pod.reason in _BY_POD_REASON else pod.disruption
    if end.reason is not Reason.DRAINED or not by_whom:
        return end
    text = (
        f"the server was evicted ({by_whom}), and its match was not over within the "
        f"{pod.drain_s} s it had to end (drainSeconds of the Fleet)"
    )
    reason = _BY_POD_REASON.get(pod.reason, Reason.EVICTED)
    return dataclasses.replace(end, reason=reason, message=text)


def of_lost(now: datetime.datetime) -> End:
    """The end of a match whose server is lost with its node."""
    text = "the server was stopped and its node does not say how it ended"
    return failed(Reason.NODE_LOST, text, now)


def _of_message(message: str, *, match_uid: MatchUid, at: datetime.datetime) -> End:
    try:
        result = results.decode(message.encode())
    except contract_errors.ResultInvalid as error:
        return failed(Reason.RESULT_INVALID, f"the server's result cannot be read: {error}", at)
    if result.match_uid != match_uid:
        text = f"the server's result is of match {result.match_uid}"
        return failed(Reason.RESULT_INVALID, text, at)
    if result.outcome is Outcome.COMPLETED:
        return End(ended_as=EndedAs.COMPLETED, at=at, result=result)
    return End(
        ended_as=EndedAs.FAILED,
        at=at,
        reason=result.reason or Reason.GAME_FAILED,
        message=result.message or "the server called the match off",
        result=result,
    )


def _without_result(pod: PodSeen, ended: Terminated | None) -> tuple[Reason, str]:
    known = _BY_POD_REASON.get(pod.reason) or _BY_DISRUPTION.get(pod.disruption)
    if known is not None:
        told = pod.message or f"the pod was stopped ({pod.reason or pod.disruption})"
        return known, told
    if ended is None:
        return Reason.SERVER_LOST, pod.message or f"the pod is {pod.phase} and left no result"
    if ended.reason == "OOMKilled":
        return (
            Reason.SERVER_LOST,
            "the server ran out of memory (OOMKilled): raise its memory limit in the Fleet",
        )
    if ended.reason == "ContainerStatusUnknown":
        return Reason.NODE_LOST, ended.message or "the node does not know how the server ended"
    words = f"the server exited with code {ended.exit_code} and left no result"
    if ended.exit_code == _KILLED:
        words = "the server was killed and left no result; it may have stopped answering /livez"
    more = ended.message or (ended.reason if ended.reason not in {"", "Error"} else "")
    return Reason.SERVER_LOST, f"{words}: {more}" if more else words


def recorded(match: MatchSeen) -> End:
    """The end that an ended Match's status holds."""
    status = match.status
    ended_as = next(e for e, phase in _PHASES.items() if phase is status.phase)
    return End(
        ended_as=ended_as,
        at=status.times.ended or match.created,
        reason=_reason(status.reason),
        message=status.message,
        result=status.result,
    )


def _reason(text: str) -> Reason | None:
    try:
        return Reason(text)
    except ValueError:
        return None


def claim_of(match: MatchSeen) -> Claim:
    """What a server has to know about its match to tell its end."""
    humans = sum(p.kind is PlayerKind.HUMAN for p in match.spec.players)
    return Claim(
        match=match.name,
        match_uid=match.uid,
        game=match.spec.game,
        mode=match.spec.mode,
        region=match.spec.region,
        humans=humans,
        bots=len(match.spec.players) - humans,
    )


def event(claim: Claim, end: End) -> events.Event:
    """The `match.ended` of that end."""
    return events.event(
        events.MatchEnded(
            match=claim.match,
            match_uid=claim.match_uid,
            ended_as=end.ended_as,
            game=claim.game,
            mode=claim.mode,
            region=claim.region,
            humans=claim.humans,
            bots=claim.bots,
            reason=end.reason,
            message=end.message,
            result=end.result if end.is_completed else None,
        ),
        event_id=events.match_ended_id(claim.match_uid),
        source=SOURCE,
        at=end.at,
        subject=claim.match,
    )
