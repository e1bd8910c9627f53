"""Decides what is left to do once a match is over, or its Match is gone.

A recorded end is published until the broker confirms; only then is the server's pod let go, then
deleted, and at last the Match itself, when its time to be kept is over. A claimed pod whose Match
is gone is ended, and its last word is published all the same. A pod without our finalizer has been
dealt with: letting it go is the last thing done for it.
"""

import datetime
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from matchfleet_contracts import clock
from matchfleet_contracts.ids import PodUid
from matchfleet_contracts.resources import Reason
from matchfleet_operator.planning import actions, conditions, ends, progress
from matchfleet_operator.planning.actions import Plan
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import GoneMatch, MatchSeen, PodSeen


def of_ended(
    match: MatchSeen, pod: PodSeen | None, *, now: datetime.datetime, rules: Rules
) -> Plan:
    """What is left to do for a Match that ended."""
    if not progress.is_published(match):
        event = ends.event(ends.claim_of(match), ends.recorded(match))
        return actions.act(
            actions.PublishEnd(match_uid=match.uid, event=event),
            actions.PatchMatchStatus(match=match, status=progress.published(match, now=now)),
        )
    if pod is not None and pod.claim is not None and pod.claim.match_uid == match.uid:
        steps = _removal(pod, now=now, rules=rules)
        return Plan(actions=steps, wake_at=ends.lost_at(pod, node_works=None, rules=rules))
    if match.deleting:
        return actions.NOTHING
    kept_until = _known_since(match) + seconds(match.spec.ttl_seconds_after_finished)
    if now < kept_until:
        return actions.wait(kept_until)
    return actions.act(actions.DeleteMatch(match=match))


def _known_since(match: MatchSeen) -> datetime.datetime:
    """Since when everybody could know of the end: a broker may have been down for long."""
    ended = match.status.times.ended or match.created
    said = conditions.find(match.status.conditions, progress.RESULT_PUBLISHED)
    return max(ended, clock.parse_rfc3339(said.last_transition_time)) if said else ended


def of_strays(
    match: MatchSeen,
    strays: Sequence[PodSeen],
    settled: AbstractSet[PodUid],
    *,
    now: datetime.datetime,
    rules: Rules,
) -> tuple[actions.Action, ...]:
    """Removes servers that were claimed for a Match and lost it again, unheard.

    Their results are never read. But what we know of the Match may be older than the claim, so the
    Match is read once more before one of them is touched.
    """
    steps: list[actions.Action] = []
    for pod in strays:
        if pod.uid not in settled:
            steps.append(actions.LookAtMatch(name=match.name, uid=match.uid, because=pod.uid))
        else:
            steps.extend(_removal(pod, now=now, rules=rules))
    return tuple(steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What else is known when a Match is gone.

    settled: pods for which the Match was looked for, and not found, after they were claimed.
    told: the match's end is published already.
    sight: how well a pod is seen.
    """

    settled: AbstractSet[PodUid] = frozenset()
    told: bool = False
    sight: Callable[[PodSeen], ends.Sight] = lambda _: ends.Sight()


def of_gone(
    match: GoneMatch,
    pods: Sequence[PodSeen],
    aftermath: Aftermath,
    *,
    now: datetime.datetime,
    rules: Rules,
) -> Plan:
    """What is left to do for a Match that does not exist any more, and for its servers."""
    claimed = [p for p in pods if p.claim is not None and p.claim.match_uid == match.uid]
    unsettled = [p for p in claimed if p.uid not in aftermath.settled]
    if unsettled:
        looks = [
            actions.LookAtMatch(name=match.name, uid=match.uid, because=p.uid) for p in unsettled
        ]
        return actions.act(*looks)
    told = aftermath.told or (match.last is not None and progress.is_published(match.last))
    player = None if told else _who_played(match, claimed, now=now)
    if player is not None:
        sight = aftermath.sight(player)
        state = ends.judge(player, sight, now=now, rules=rules)
        if state is ends.State.UNSURE:
            return actions.act(actions.LookAtPod(name=player.name, uid=player.uid))
        if state is ends.State.PLAYING:
            return stop(player, sight, rules=rules)
    publish = () if told else _last_word(match, player, now=now)
    removals = [step for pod in claimed for step in _removal(pod, now=now, rules=rules)]
    forget = () if claimed else (actions.ForgetMatch(match=match),)
    due = [ends.lost_at(p, node_works=None, rules=rules) for p in claimed]
    return Plan(actions=(*publish, *removals, *forget), wake_at=actions.wait(*due).wake_at)


def _who_played(
    match: GoneMatch, claimed: Sequence[PodSeen], *, now: datetime.datetime
) -> PodSeen | None:
    """The pod whose word counts: the one the Match named last, if that is known."""
    held = [p for p in claimed if p.is_held]
    if match.last is not None and match.is_final:
        server = match.last.status.server
        return next((p for p in held if server and p.uid == server.pod_uid), None)
    completed = (
        p
        for p in held
        if p.terminated is not None and ends.of_server(p, match_uid=match.uid, now=now).is_completed
    )
    return next(completed, held[0] if held else None)


def _last_word(
    match: GoneMatch, player: PodSeen | None, *, now: datetime.datetime
) -> tuple[actions.Action, ...]:
    """The publication of a gone Match's end, if it is ours to tell.

    A server that was claimed and is gone was let go by somebody who had published the end before.
    What we cannot be sure of stays untold: `api` notices a match whose end nobody told.
    """
    last = match.last
    if last is not None and last.status.phase.is_terminal:
        claim, end = ends.claim_of(last), ends.recorded(last)
    elif player is not None and player.claim is not None:
        told = ends.of_server(player, match_uid=match.uid, now=now)
        claim = player.claim
        end = told if told.is_completed else _deleted(told.at)
    elif last is not None and match.is_final and last.status.server is None:
        claim, end = ends.claim_of(last), _deleted(now)
    else:
        return ()
    return (actions.PublishEnd(match_uid=match.uid, event=ends.event(claim, end)),)


def _deleted(at: datetime.datetime) -> ends.End:
    return ends.cancelled(Reason.DELETED, "the Match was deleted", at)


def stop(pod: PodSeen, sight: ends.Sight, *, rules: Rules) -> Plan:
    """Ends a server that still plays, or waits until it has ended."""
    if not pod.has_ended and (not pod.is_deleting or pod.deletion_grace_s > rules.kill_grace_s):
        return actions.act(actions.DeletePod(pod=pod, grace_s=rules.kill_grace_s))
    return actions.wait(ends.settles_at(pod, sight, rules))


def let_go(pods: Sequence[PodSeen]) -> Plan:
    """Holds nothing back: the namespace is being deleted, and what we would publish to with it."""
    return actions.act(*(actions.ReleaseFinalizer(pod=p) for p in pods if p.is_held))


def _removal(pod: PodSeen, *, now: datetime.datetime, rules: Rules) -> tuple[actions.Action, ...]:
    release = (actions.ReleaseFinalizer(pod=pod),) if pod.is_held else ()
    lost_at = ends.lost_at(pod, node_works=None, rules=rules)
    if lost_at is not None and now >= lost_at and pod.deletion_grace_s > 0:
        return (*release, actions.DeletePod(pod=pod, grace_s=0))
    if pod.is_deleting and (pod.has_ended or pod.deletion_grace_s <= rules.kill_grace_s):
        return release
    grace_s = None if pod.has_ended else rules.kill_grace_s
    return (*release, actions.DeletePod(pod=pod, grace_s=grace_s))
