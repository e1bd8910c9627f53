"""What a Fleet's status says: the counts, and its conditions with their reasons."""

import datetime

from matchfleet_contracts.resources import LABEL_FLEET, LABEL_STATE
from matchfleet_operator import conditions, supply
from matchfleet_operator.autoscale import Decision
from matchfleet_operator.conditions import Said
from matchfleet_operator.seen import FleetSeen, FleetStatus
from matchfleet_operator.servers import Servers, Surroundings
from matchfleet_operator.supplies import Supplies

# ---- status


def of(
    fleet: FleetSeen,
    found: Servers,
    change: Supplies,
    scaling: Decision,
    unserved: int,
    around: Surroundings,
    *,
    now: datetime.datetime,
) -> FleetStatus:
    """The status that will hold once this pass's steps are taken."""
    doomed = {a.pod.uid for a in change.deletes}
    idle = sum(p.uid not in doomed for p in found.idle)
    rising = (*found.starting, *found.troubled)
    starting = sum(p.uid not in doomed for p in rising) + len(change.creates)
    return FleetStatus(
        idle=idle,
        starting=starting,
        busy=len(found.busy),
        draining=sum(p.claim is not None for p in found.leaving),
        waiting=unserved,
        desired_warm=scaling.warm if scaling.is_scaled else None,
        scaling=scaling.why,
        recommendations=scaling.recommendations,
        revision=fleet.revision,
        selector=f"{LABEL_FLEET}={fleet.name},{LABEL_STATE}=idle",
        conditions=conditions.merged(
            fleet.status.conditions,
            _available(scaling, idle),
            _degraded(fleet, found, change, around, now=now),
            _progressing(found, starting),
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
    fleet: FleetSeen,
    found: Servers,
    change: Supplies,
    around: Surroundings,
    *,
    now: datetime.datetime,
) -> Said:
    refusal = around.refusal
    if refusal is not None and (now < refusal.until or change.creates):
        text = f"the API server refuses its servers: {refusal.message}"
        return Said(supply.DEGRADED, status=True, reason="CreateRefused", message=text)
    if found.trouble:
        return Said(supply.DEGRADED, status=True, reason="CannotStart", message=found.trouble)
    before = conditions.find(fleet.status.conditions, supply.DEGRADED)
    if before is not None and before.status == "True" and any(p.attempt for p in found.starting):
        # The replacement of a server that failed has not shown yet that it is any better.
        return Said(supply.DEGRADED, status=True, reason=before.reason, message=before.message)
    return Said(supply.DEGRADED, status=False, reason="AsExpected")


def _progressing(found: Servers, starting: int) -> Said:
    hint = next((f"{p.name}: {p.message}" for p in found.starting if p.message), "")
    if found.stranded and not hint:
        nodes = ", ".join(sorted({p.node for p in found.stranded}))
        hint = f"{len(found.stranded)} idle servers are replaced, for their nodes empty: {nodes}"
    reason = "ServersStarting" if starting else "NothingToDo"
    return Said(supply.PROGRESSING, status=bool(starting), reason=reason, message=hint)
