"""What a Fleet's status says: the counts, its revisions, and its conditions with their reasons."""

import datetime
from collections import Counter
from dataclasses import replace

from matchfleet_contracts.resources import LABEL_FLEET, LABEL_STATE
from matchfleet_operator.planning import conditions, revisions, rollout, supply
from matchfleet_operator.planning.autoscale import Decision
from matchfleet_operator.planning.conditions import Said
from matchfleet_operator.planning.rollout import Course, Stage
from matchfleet_operator.planning.seen import FleetSeen, FleetStatus, PodSeen, RevisionStatus
from matchfleet_operator.planning.servers import Servers, Surroundings
from matchfleet_operator.planning.supplies import Supplies

_REVISION_CHARS = 10


def of(
    course: Course,
    found: Servers,
    change: Supplies,
    scaling: Decision,
    unserved: int,
    around: Surroundings,
    *,
    now: datetime.datetime,
) -> FleetStatus:
    """The status that will hold once this pass's steps are taken."""
    fleet = course.wanted
    doomed = {a.pod.uid for a in change.deletes}
    idle = [p for p in found.idle if p.uid not in doomed]
    rising = [p for p in (*found.starting, *found.troubled) if p.uid not in doomed]
    starting = Counter(p.revision for p in rising)
    starting.update(create.fleet.revision for create in change.creates)
    return FleetStatus(
        idle=len(idle),
        starting=starting.total(),
        busy=len(found.busy),
        draining=sum(p.claim is not None for p in found.leaving),
        waiting=unserved,
        desired_warm=scaling.warm if scaling.is_scaled else None,
        scaling=scaling.why,
        recommendations=scaling.recommendations,
        revision=course.target.revision,
        blocked_revision=fleet.revision if course.stage is Stage.GIVEN_UP else "",
        revisions=revisions.counted(
            fleet,
            {**course.known, fleet.revision: _clocked(course, change, now=now)},
            course.kept,
            idle=idle,
            starting=starting,
            busy=found.busy,
        ),
        selector=f"{LABEL_FLEET}={fleet.name},{LABEL_STATE}=idle",
        conditions=conditions.merged(
            fleet.status.conditions,
            _available(scaling, len(idle)),
            _degraded(course, found, change, around, now=now),
            _progressing(course, found, idle, starting.total(), change),
            Said(
                supply.CAPACITY_LIMITED,
                status=bool(change.limit),
                reason=change.limit_reason,
                message=change.limit,
            ),
            *_scaling_limited(fleet, scaling),
            now=now,
        ),
        observed_generation=fleet.generation,
    )


def _clocked(course: Course, change: Supplies, *, now: datetime.datetime) -> RevisionStatus:
    """The wanted revision's entry: the clock of its deadline runs while it may have a server."""
    entry = course.entry
    runs = entry.ready is None and not entry.failed and entry.revision in change.tried
    return replace(entry, starting_since=(entry.starting_since or now) if runs else None)


def _scaling_limited(fleet: FleetSeen, scaling: Decision) -> tuple[Said, ...]:
    if scaling.is_scaled:
        limited = bool(scaling.limit)
        reason, text = scaling.limit_reason, scaling.limit
        return (Said(supply.SCALING_LIMITED, status=limited, reason=reason, message=text),)
    if conditions.find(fleet.status.conditions, supply.SCALING_LIMITED) is None:
        return ()
    return (Said(supply.SCALING_LIMITED, status=False, reason="NotScaled"),)


def _available(scaling: Decision, idle: int) -> Said:
    if idle or not scaling.warm:
        return Said(supply.AVAILABLE, status=True, reason="ServersIdle" if idle else "NoneWanted")
    return Said(supply.AVAILABLE, status=False, reason="NoServerIdle")


def _degraded(
    course: Course,
    found: Servers,
    change: Supplies,
    around: Surroundings,
    *,
    now: datetime.datetime,
) -> Said:
    refusal = around.refusal
    if refusal is not None and (now < refusal.until or change.creates):
        text = f"the API server refuses its servers: {refusal.message}"
        return Said(supply.DEGRADED, status=True, reason=supply.CREATE_REFUSED, message=text)
    return _given_up(course, found) or _failing(course, found) or _as_before(course, found)


def _given_up(course: Course, found: Servers) -> Said | None:
    """A revision that was given up, or that gets no more servers for now."""
    target = course.target.revision
    if target in course.frozen:
        text = (
            f"{_named(course, target)} gets no more servers for now: "
            f"{rollout.crash_words(course)}; correct the template, or look why they crash"
        )
        detail = found.troubles.get(target, "")
        return Said(
            supply.DEGRADED,
            status=True,
            reason=rollout.CRASH_BUDGET_SPENT,
            message=f"{text} ({detail})" if detail else text,
        )
    if course.stage is not Stage.GIVEN_UP or target in found.troubles:
        return None
    text = (
        f"{_named(course, course.wanted.revision)} was given up: {rollout.why(course)}; servers "
        f"are of {_named(course, target)} again until the spec changes"
    )
    return Said(supply.DEGRADED, status=True, reason=course.fault, message=text)


def _failing(course: Course, found: Servers) -> Said | None:
    """Servers that do not start."""
    for revision in reversed(list(course.makes)):
        if text := found.troubles.get(revision, ""):
            others_supply = len(course.makes) > 1 and revision == course.wanted.revision
            reason = supply.NEW_CANNOT_START if others_supply else supply.CANNOT_START
            return Said(supply.DEGRADED, status=True, reason=reason, message=text)
    return None


def _as_before(course: Course, found: Servers) -> Said:
    before = conditions.find(course.wanted.status.conditions, supply.DEGRADED)
    retrying = any(p.attempt and p.revision in course.makes for p in found.starting)
    if before is not None and before.status == "True" and retrying:
        # The replacement of a server that failed has not shown yet that it is any better.
        return Said(supply.DEGRADED, status=True, reason=before.reason, message=before.message)
    if course.fault == rollout.LATE_TICKS:
        text = f"{_named(course, course.wanted.revision)}: {rollout.why(course)}"
        return Said(supply.DEGRADED, status=True, reason=course.fault, message=text)
    return Said(supply.DEGRADED, status=False, reason="AsExpected")


def _progressing(
    course: Course, found: Servers, idle: list[PodSeen], starting: int, change: Supplies
) -> Said:
    hint = next((f"{p.name}: {p.message}" for p in found.starting if p.message), "")
    if found.stranded and not hint:
        nodes = ", ".join(sorted({p.node for p in found.stranded}))
        hint = f"{len(found.stranded)} idle servers are replaced, for their nodes empty: {nodes}"
    reason, text = _rolling(course, idle, change)
    if reason:
        is_moving = reason not in rollout.FAULTS
        return Said(supply.PROGRESSING, status=is_moving, reason=reason, message=hint or text)
    reason = "ServersStarting" if starting else "NothingToDo"
    return Said(supply.PROGRESSING, status=bool(starting), reason=reason, message=hint)


def _rolling(course: Course, idle: list[PodSeen], change: Supplies) -> tuple[str, str]:
    """How the rollout goes: its reason in one word, empty when there is none, and a sentence."""
    target = course.target.revision
    name = _named(course, target)
    is_new = course.wanted.revision in change.tried
    old = sum(p.revision != target for p in idle)
    if course.stage is Stage.GIVEN_UP and old:
        return "RollingBack", f"{old} idle servers are still not of {name}"
    if course.fault:
        return course.fault, f"{_named(course, course.wanted.revision)}: {rollout.why(course)}"
    if course.stage is Stage.STARTING and is_new:
        return "NewRevisionStarting", f"{name} has had no server ready yet"
    if course.stage is Stage.CANARY:
        well, needed = course.entry.played - course.entry.late, course.target.strategy
        return "CanaryPlaying", f"{name}: {well} of {needed.canary_matches} matches ended well"
    if old:
        return "RollingOut", f"{old} idle servers are not of {name} yet"
    return "", ""


def _named(course: Course, revision: str) -> str:
    entry = course.known.get(revision)
    number = f" (number {entry.number})" if entry is not None and entry.number else ""
    return f"revision {revision[:_REVISION_CHARS]}{number}"
