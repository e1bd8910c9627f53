"""Which changes of a Fleet's status are worth a Kubernetes Event: what a person should look at.

An Event goes with the write of the status that it tells of, so nothing is told again and again.
"""

import datetime

from matchfleet_contracts import clock
from matchfleet_operator.planning import actions, conditions, supply
from matchfleet_operator.planning.actions import EmitEvent, Severity
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import FleetSeen, FleetStatus

_QUIET_S = 60


def of(
    fleet: FleetSeen, status: FleetStatus, *, now: datetime.datetime, rules: Rules
) -> tuple[actions.EmitEvent, ...]:
    """The Events that go with this new status."""
    found = (
        _degraded(fleet, status),
        _limited(fleet, status, now=now),
        _rolling(fleet, status) if rules.events_all else None,
    )
    return tuple(event for event in found if event is not None)


def _degraded(fleet: FleetSeen, status: FleetStatus) -> EmitEvent | None:
    was = conditions.find(fleet.status.conditions, supply.DEGRADED)
    told = conditions.find(status.conditions, supply.DEGRADED)
    if told is None or told.status != "True":
        return None
    is_new = was is None or was.status != "True" or was.reason != told.reason
    is_other = fleet.status.blocked_revision != status.blocked_revision
    return _warn(fleet, told.reason, told.message) if is_new or is_other else None


def _limited(fleet: FleetSeen, status: FleetStatus, *, now: datetime.datetime) -> EmitEvent | None:
    """A full Fleet, unless it was full a moment ago: then it comes and goes with every match."""
    was = conditions.find(fleet.status.conditions, supply.CAPACITY_LIMITED)
    told = conditions.find(status.conditions, supply.CAPACITY_LIMITED)
    if told is None or told.status != "True" or (was is not None and was.status == "True"):
        return None
    if was is not None and now < clock.parse_rfc3339(was.last_transition_time) + seconds(_QUIET_S):
        return None
    return _warn(fleet, supply.CAPACITY_LIMITED, told.message)


def _rolling(fleet: FleetSeen, status: FleetStatus) -> EmitEvent | None:
    if not fleet.status.revision or status.revision == fleet.status.revision:
        return None
    note = f"new servers are of revision {status.revision} instead of {fleet.status.revision}"
    return EmitEvent(about=fleet, severity=Severity.NORMAL, reason="RollingOut", note=note)


def _warn(fleet: FleetSeen, reason: str, note: str) -> EmitEvent:
    return EmitEvent(about=fleet, severity=Severity.WARNING, reason=reason, note=note)
