"""Decides for one Fleet which idle server plays which waiting Match, and how many there are.

One place arbitrates: `servers` says what each pod is to its Fleet, `rollout` of which revision
servers should be, the claims are made here, `autoscale` says how many idle ones to keep, `supplies`
starts and removes what is missing or too much then, and `fleet_status` tells it.
"""

import dataclasses
import datetime
from collections.abc import Sequence

from matchfleet_operator.planning import (
    actions,
    autoscale,
    fleet_events,
    fleet_status,
    progress,
    rollout,
    servers,
    supplies,
    supply,
)
from matchfleet_operator.planning.actions import Plan
from matchfleet_operator.planning.rollout import Course
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import FleetSeen, FleetStatus, GoneFleet, MatchSeen, PodSeen
from matchfleet_operator.planning.servers import Servers, Surroundings


def plan_fleet(
    fleet: FleetSeen | GoneFleet,
    pods: Sequence[PodSeen],
    waiting: Sequence[MatchSeen],
    *,
    around: Surroundings,
    now: datetime.datetime,
    rules: Rules,
    pick: supplies.Pick,
) -> Plan:
    """The next steps for a Fleet, its pods, and the Matches that turned to it, oldest first.

    The steps do not depend on one another and may be taken at the same time.
    """
    if around.namespace_ending or around.closing:
        return actions.NOTHING
    if isinstance(fleet, GoneFleet) or fleet.deleting:
        return _wind_up(pods, around)
    if around.uncertain:
        return actions.act(*(actions.LookAtPod(name=name) for name in around.uncertain))
    found = servers.sort(fleet, pods, around, now=now, rules=rules)
    eligible = [m for m in waiting if supply.is_waiting(m, now=now)]
    course = rollout.plan(fleet, found, around, now=now)
    claims, left = _claims(course, eligible, found, now=now)
    unserved = len(eligible) - len(claims)
    scaling = _scaling(fleet, left, around, now=now, rules=rules)
    wanted = scaling.warm + unserved
    change = supplies.change(course, left, wanted, around, now=now, rules=rules, pick=pick)
    status = fleet_status.of(course, left, change, scaling, unserved, around, now=now)
    steps: tuple[actions.Action, ...] = (*claims, *change.creates, *change.deletes)
    wake_at = actions.wait(change.wake_at, scaling.wake_at, course.wake_at).wake_at
    told = _with_status(fleet, steps, status, around, wake_at=wake_at, now=now, rules=rules)
    return Plan(actions=(*told.actions, *course.records), wake_at=told.wake_at)


def _wind_up(pods: Sequence[PodSeen], around: Surroundings) -> Plan:
    """The Fleet is gone: its idle servers go, busy ones finish."""
    idle = [p for p in pods if p.claim is None and p.uid not in around.reserved]
    return actions.act(*(actions.DeletePod(pod=p) for p in idle if not p.is_deleting))


def _claims(
    course: Course,
    eligible: Sequence[MatchSeen],
    found: Servers,
    *,
    now: datetime.datetime,
) -> tuple[tuple[actions.PatchMatchStatus, ...], Servers]:
    """Pairs waiting Matches with idle servers, oldest with oldest; those that will go come last."""
    idle = sorted(found.idle, key=course.rank)
    pairs = list(zip(eligible, idle, strict=False))
    chosen = tuple(
        actions.PatchMatchStatus(match=match, status=progress.chosen(match, pod, now=now))
        for match, pod in pairs
    )
    taken = tuple(pod for _, pod in pairs)
    left = tuple(p for p in found.idle if p not in taken)
    return chosen, dataclasses.replace(found, idle=left, busy=(*found.busy, *taken))


def _scaling(
    fleet: FleetSeen,
    found: Servers,
    around: Surroundings,
    *,
    now: datetime.datetime,
    rules: Rules,
) -> autoscale.Decision:
    decision = autoscale.decide(
        fleet,
        busy=len(found.busy),
        depth=around.depth,
        history=fleet.status.recommendations,
        now=now,
    )
    writable_at = _writable_at(around, now=now, rules=rules)
    return autoscale.once_writable(decision, fleet, writable_at=writable_at)


def _writable_at(
    around: Surroundings, *, now: datetime.datetime, rules: Rules
) -> datetime.datetime | None:
    """When the Fleet's status may be written again; None for now."""
    written = around.status_written_at
    again_at = None if written is None else written + seconds(rules.status_period_s)
    return again_at if again_at is not None and now < again_at else None


def _with_status(
    fleet: FleetSeen,
    steps: tuple[actions.Action, ...],
    status: FleetStatus,
    around: Surroundings,
    *,
    wake_at: datetime.datetime | None,
    now: datetime.datetime,
    rules: Rules,
) -> Plan:
    if status == fleet.status:
        return Plan(actions=steps, wake_at=wake_at)
    again_at = _writable_at(around, now=now, rules=rules)
    if again_at is not None:
        return Plan(actions=steps, wake_at=actions.wait(again_at, wake_at).wake_at)
    write = actions.PatchFleetStatus(fleet=fleet, status=status)
    told = fleet_events.of(fleet, status, now=now, rules=rules)
    return Plan(actions=(*steps, write, *told), wake_at=wake_at)
