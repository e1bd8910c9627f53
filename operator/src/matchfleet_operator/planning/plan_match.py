"""Decides what follows for one Match, from what is seen of it and of its server.

    Pending    waits for a Fleet to choose a server (`plan_fleet`); fails when it waited in vain
    Assigned   the server is claimed, told what to play, and agrees: then Ready. A server that will
               not do loses the Match first, by the version it was seen at, before another is tried
    Ready      waits for the server's last word; its own clock ends it, ours is the backstop
    ended      published, recorded, let go, removed (`plan_after`)

Whoever wants a match with a claimed server to end (its owner, a deadline) has the server ended
first and reads its last word then. So there is no moment at which a result could be overlooked.
"""

import datetime
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from matchfleet_contracts import events
from matchfleet_contracts.ids import PodName, PodUid
from matchfleet_contracts.resources import Desired, Phase, Reason
from matchfleet_operator.planning import (
    actions,
    conditions,
    disruption,
    ends,
    plan_after,
    progress,
    supply,
)
from matchfleet_operator.planning.actions import Plan
from matchfleet_operator.planning.disruption import Drain
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import Evict, GoneMatch, MatchSeen, PodSeen
from matchfleet_operator.planning.supply import Supply


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How it went to get a server's agreement.

    refused: what the server answered instead, empty if it did not refuse.
    unplayable: whether no other server of this game would play it either.
    """

    first_at: datetime.datetime
    last_at: datetime.datetime
    acknowledged: bool = False
    refused: str = ""
    unplayable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else is known about a Match.

    Attributes:
        strays: other pods that were claimed for it.
        settled: claimed pods for which the Match was read from the API server after their claim,
            so that what is known of it is not older than they are.
        pod_is_gone: the API server said that the chosen pod does not exist.
        unfit: pods that refused to be claimed.
        attempt: how the assignment went so far.
        ready_told, end_told: `match.ready`, `match.ended` is published by this process.
        supply: what it may hope for.
        drain: that its server's node is being emptied, if it is.
        evict: whether an eviction may end the match.
        node_works: whether its server's node works; None when nodes cannot be read.
        looked_at: when each of its pods was last read from the API server itself.
        namespace_ending: everything in this namespace is being deleted.
    """

    strays: tuple[PodSeen, ...] = ()
    settled: frozenset[PodUid] = frozenset()
    pod_is_gone: bool = False
    unfit: AbstractSet[PodUid] = frozenset()
    attempt: Attempt | None = None
    ready_told: bool = False
    end_told: bool = False
    supply: Supply = field(default_factory=Supply)
    drain: Drain | None = None
    evict: Evict = Evict.NEVER
    node_works: bool | None = None
    looked_at: Mapping[PodUid, datetime.datetime] = field(default_factory=dict)
    node_address: str = ""
    namespace_ending: bool = False

    def sight(self, pod: PodSeen) -> ends.Sight:
        """How well a pod is seen."""
        return ends.Sight(node_works=self.node_works, looked_at=self.looked_at.get(pod.uid))


def plan_match(
    match: MatchSeen | GoneMatch,
    pod: PodSeen | None,
    *,
    around: Around,
    now: datetime.datetime,
    rules: Rules,
) -> Plan:
    """The next steps for a Match and `pod`, the one pod whose UID its status names."""
    pods = (pod, *around.strays) if pod is not None else around.strays
    if around.namespace_ending:
        return plan_after.let_go(pods)
    if isinstance(match, GoneMatch):
        aftermath = plan_after.Aftermath(
            settled=around.settled, told=around.end_told, sight=around.sight
        )
        return plan_after.of_gone(match, pods, aftermath, now=now, rules=rules)
    cleaning = plan_after.of_strays(match, around.strays, around.settled, now=now, rules=rules)
    following = _of_seen(match, pod, around, now=now, rules=rules)
    return Plan(actions=(*cleaning, *following.actions), wake_at=following.wake_at)


def _of_seen(
    match: MatchSeen, pod: PodSeen | None, around: Around, *, now: datetime.datetime, rules: Rules
) -> Plan:
    if match.status.phase.is_terminal:
        return plan_after.of_ended(match, pod, now=now, rules=rules)
    mine = pod if pod is not None and _is_claimed_for(pod, match) else None
    if mine is not None:
        match ends.judge(mine, around.sight(mine), now=now, rules=rules):
            case ends.State.UNSURE:
                return actions.act(actions.LookAtPod(name=mine.name, uid=mine.uid))
            case ends.State.OVER:
                told = ends.of_server(mine, match_uid=match.uid, now=now)
                told = disruption.explained(told, mine, around.drain)
                return _conclude(match, mine, told, around, now=now, rules=rules)
            case ends.State.LOST:
                told = ends.of_lost(now)
                return _conclude(match, mine, told, around, now=now, rules=rules)
            case ends.State.PLAYING:
                pass
    wanted = _wanted_end(match, pod, around, now=now, rules=rules)
    if wanted is not None:
        return _end(match, pod, around, wanted, now=now, rules=rules)
    match match.status.phase:
        case Phase.ASSIGNED:
            return _claim(match, pod, around, now=now, rules=rules)
        case Phase.READY:
            return _watch(match, pod, around, now=now, rules=rules)
        case _:
            return actions.wait(supply.assign_deadline(match), supply.not_after(match))


def _is_claimed_for(pod: PodSeen, match: MatchSeen) -> bool:
    return pod.claim is not None and pod.claim.match_uid == match.uid


# ---- ends


def _conclude(
    match: MatchSeen,
    pod: PodSeen,
    told: ends.End,
    around: Around,
    *,
    now: datetime.datetime,
    rules: Rules,
) -> Plan:
    """Ends a match whose server said its last word, or never will."""
    if told.is_completed:
        return _complete(match, told, now=now, rules=rules)
    wanted = _wanted_end(match, pod, around, now=now, rules=rules)
    if wanted is not None and wanted.ended_as is events.EndedAs.CANCELLED:
        return _record(match, wanted, now=now, rules=rules)
    if told.result is not None:
        return _record(match, told, now=now, rules=rules)
    if wanted is not None and (pod.is_deleting or match.status.phase is Phase.ASSIGNED):
        return _record(match, wanted, now=now, rules=rules)
    if match.status.phase is Phase.ASSIGNED:
        # Nobody could join it yet, so another server may play the same match.
        return _take_away(match, told.message, now=now)
    return _record(match, told, now=now, rules=rules)


def _complete(match: MatchSeen, end: ends.End, *, now: datetime.datetime, rules: Rules) -> Plan:
    publish = actions.PublishEnd(match_uid=match.uid, event=ends.event(ends.claim_of(match), end))
    record = actions.PatchMatchStatus(match=match, status=progress.ended(match, end, now=now))
    return actions.act(publish, record, *_event(match, end, rules))


def _record(match: MatchSeen, end: ends.End, *, now: datetime.datetime, rules: Rules) -> Plan:
    record = actions.PatchMatchStatus(match=match, status=progress.ended(match, end, now=now))
    return actions.act(record, *_event(match, end, rules))


def _event(match: MatchSeen, end: ends.End, rules: Rules) -> tuple[actions.EmitEvent, ...]:
    if end.is_completed and not rules.events_all:
        return ()
    is_failure = end.ended_as is events.EndedAs.FAILED
    return (
        actions.EmitEvent(
            about=match,
            severity=actions.Severity.WARNING if is_failure else actions.Severity.NORMAL,
            reason=str(end.reason or end.phase),
            note=end.message or f"the match is {end.ended_as}",
        ),
    )


def _end(
    match: MatchSeen,
    pod: PodSeen | None,
    around: Around,
    wanted: ends.End,
    *,
    now: datetime.datetime,
    rules: Rules,
) -> Plan:
    """Ends a match that should end, once its server cannot say anything any more."""
    if pod is not None and _is_claimed_for(pod, match):
        return plan_after.stop(pod, around.sight(pod), rules=rules)
    if pod is None and not _is_gone(match, around):
        return _look_for(match)
    if pod is not None and _may_be_claimed_meanwhile(match, pod, around):
        return _look_for(match)
    return _record(match, wanted, now=now, rules=rules)


def _may_be_claimed_meanwhile(match: MatchSeen, pod: PodSeen, around: Around) -> bool:
    assigned, looked_at = match.status.times.assigned, around.looked_at.get(pod.uid)
    if pod.claim is not None or assigned is None:
        return False
    return looked_at is None or looked_at < assigned


def _wanted_end(
    match: MatchSeen, pod: PodSeen | None, around: Around, *, now: datetime.datetime, rules: Rules
) -> ends.End | None:
    if match.deleting:
        return ends.cancelled(Reason.DELETED, "the Match was deleted", now)
    if match.spec.desired is Desired.CANCEL:
        return ends.cancelled(Reason.CANCELLED, "the match was called off", now)
    match match.status.phase:
        case Phase.PENDING:
            return _waited_in_vain(match, around, now=now)
        case Phase.ASSIGNED:
            if now >= _claim_deadline(match, rules):
                return ends.failed(Reason.ASSIGN_TIMEOUT, "no server agreed to it in time", now)
        case Phase.READY:
            if now >= _backstop(match, pod, rules):
                return ends.failed(
                    Reason.TIMED_OUT, "the server did not end the match in its time", now
                )
        case _:
            pass
    return None


def _waited_in_vain(match: MatchSeen, around: Around, *, now: datetime.datetime) -> ends.End | None:
    hope = around.supply
    latest = supply.not_after(match)
    if latest is not None and now > latest:
        text = f"spec.notAfter has passed without a server; {hope.message}"
        return ends.failed(Reason.TOO_LATE, text, now)
    if hope.hope is supply.Hope.NONE or now >= supply.assign_deadline(match):
        last = conditions.find(match.status.conditions, progress.ASSIGNED)
        tried = f"; the last server tried: {last.message}" if last is not None else ""
        return ends.failed(hope.reason, hope.message + tried, now)
    return None


def _claim_deadline(match: MatchSeen, rules: Rules) -> datetime.datetime:
    """A server that was found in the last moment still gets its time to agree."""
    assigned = match.status.times.assigned or match.created
    return max(supply.assign_deadline(match), assigned + seconds(2 * rules.ack_s))


def _backstop(match: MatchSeen, pod: PodSeen | None, rules: Rules) -> datetime.datetime:
    limits = match.spec.limits
    drain_s = pod.drain_s if pod is not None else 0
    length_s = limits.join_seconds + limits.max_seconds + drain_s + rules.backstop_s
    return (match.status.times.ready or match.created) + seconds(length_s)


# ---- Assigned


def _claim(
    match: MatchSeen, pod: PodSeen | None, around: Around, *, now: datetime.datetime, rules: Rules
) -> Plan:
    if pod is None:
        if _is_gone(match, around):
            return _take_away(match, "the server is gone", now=now)
        return _look_for(match)
    if around.drain is not None and around.drain.is_due(now):
        return _take_away(match, around.drain.message, now=now)
    if pod.claim is None:
        if not pod.is_idle or pod.uid in around.unfit:
            return _take_away(match, "the server cannot be claimed", now=now)
        deadline_s = _active_deadline_s(match, pod, now=now, rules=rules)
        return actions.act(
            actions.ClaimPod(pod=pod, match=match, deadline_s=deadline_s, evict=around.evict)
        )
    if pod.claim.match_uid != match.uid:
        return _take_away(match, "another match has the server", now=now)
    if pod.is_deleting:
        return _take_away(match, "the server is being deleted", now=now)
    return _agree(match, pod, around, now=now, rules=rules)


def _active_deadline_s(
    match: MatchSeen, pod: PodSeen, *, now: datetime.datetime, rules: Rules
) -> int:
    elapsed_s = (now - (pod.started or pod.created)).total_seconds()
    limits = match.spec.limits
    return (
        max(0, math.ceil(elapsed_s))
        + limits.join_seconds
        + limits.max_seconds
        + pod.drain_s
        + rules.backstop_s
    )


def _agree(
    match: MatchSeen, pod: PodSeen, around: Around, *, now: datetime.datetime, rules: Rules
) -> Plan:
    attempt = around.attempt
    send = actions.SendAssignment(pod=pod, match=match)
    if attempt is None:
        return actions.act(send)
    if attempt.acknowledged:
        return _become_ready(match, pod, around, now=now, rules=rules)
    if attempt.unplayable:
        return _record(
            match, ends.failed(Reason.GAME_FAILED, attempt.refused, now), now=now, rules=rules
        )
    if attempt.refused:
        return _take_away(match, attempt.refused, now=now)
    if now >= attempt.first_at + seconds(rules.ack_s):
        return _take_away(match, "the server did not agree in time", now=now)
    again_at = attempt.last_at + seconds(rules.retry_ack_s)
    return actions.act(send) if now >= again_at else actions.wait(again_at)


def _become_ready(
    match: MatchSeen, pod: PodSeen, around: Around, *, now: datetime.datetime, rules: Rules
) -> Plan:
    status = progress.ready(match, pod, node_address=around.node_address, now=now)
    steps: list[actions.Action] = [actions.PatchMatchStatus(match=match, status=status)]
    if rules.events_all and status.server is not None:
        note = f"players may join at {status.server.url} on {pod.name}"
        steps.append(
            actions.EmitEvent(
                about=match, severity=actions.Severity.NORMAL, reason=progress.READY, note=note
            )
        )
    return actions.act(*steps)


def _take_away(match: MatchSeen, why: str, *, now: datetime.datetime) -> Plan:
    status = progress.taken_away(match, why, now=now)
    return actions.act(actions.PatchMatchStatus(match=match, status=status))


def _is_gone(match: MatchSeen, around: Around) -> bool:
    return match.status.server is None or around.pod_is_gone


def _look_for(match: MatchSeen) -> Plan:
    server = match.status.server
    if server is None:
        raise AssertionError("only a server that a Match names can be looked for")
    return actions.act(actions.LookAtPod(name=PodName(server.pod), uid=PodUid(server.pod_uid)))


# ---- Ready


def _watch(
    match: MatchSeen, pod: PodSeen | None, around: Around, *, now: datetime.datetime, rules: Rules
) -> Plan:
    if pod is None:
        if not _is_gone(match, around):
            return _look_for(match)
        lost = ends.failed(Reason.SERVER_LOST, "the server's pod is gone and left no result", now)
        return _record(match, lost, now=now, rules=rules)
    steps: tuple[actions.Action, ...] = () if around.ready_told else (_ready_event(match, pod),)
    settles_at = ends.settles_at(pod, around.sight(pod), rules)
    drained_at = None
    if around.drain is not None and not (pod.is_deleting or pod.has_ended):
        drained_at = around.drain.at
        if around.drain.is_due(now):
            # With the time it has to stop by itself, as anybody would delete it.
            steps = (*steps, actions.DeletePod(pod=pod))
    waiting = actions.wait(_backstop(match, pod, rules), settles_at, drained_at)
    return Plan(actions=steps, wake_at=waiting.wake_at)


def _ready_event(match: MatchSeen, pod: PodSeen) -> actions.PublishReady:
    url = match.status.server.url if match.status.server is not None else ""
    return actions.PublishReady(
        match_uid=match.uid,
        pod_uid=pod.uid,
        event=events.event(
            events.MatchReady(match=match.name, match_uid=match.uid, pod_uid=pod.uid, url=url),
            event_id=events.match_ready_id(match.uid, pod.uid),
            source=ends.SOURCE,
            at=match.status.times.ready or match.created,
            subject=match.name,
        ),
    )
