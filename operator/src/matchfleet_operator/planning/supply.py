"""Whether a waiting Match may hope for a server, and what to tell its players if not.

The answer comes from what its Fleets say about themselves, so that it is the same after a restart.
"""

import datetime
import enum
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from matchfleet_contracts import clock
from matchfleet_contracts.ids import FleetName
from matchfleet_contracts.resources import Desired, Phase, Reason
from matchfleet_operator.planning import conditions, rollout
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import FleetSeen, MatchSeen

AVAILABLE = "Available"
PROGRESSING = "Progressing"
DEGRADED = "Degraded"
CAPACITY_LIMITED = "CapacityLimited"
SCALING_LIMITED = "ScalingLimited"

CREATE_REFUSED = "CreateRefused"
CANNOT_START = "CannotStart"
NEW_CANNOT_START = "NewRevisionCannotStart"
"""Reason of Degraded when an older revision supplies meanwhile."""


class Hope(enum.StrEnum):
    """Whether a server may still come."""

    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Whether to go on waiting, and the reason for the Match if it waited in vain."""

    hope: Hope = Hope.SOME
    reason: Reason = Reason.ASSIGN_TIMEOUT
    message: str = "no server became idle in time"


def assign_deadline(match: MatchSeen) -> datetime.datetime:
    """When a Match that has no server by then fails."""
    return match.created + seconds(match.spec.limits.assign_seconds)


def not_after(match: MatchSeen) -> datetime.datetime | None:
    """When a server may no longer be assigned, whatever the other limits say."""
    return clock.parse_rfc3339(match.spec.not_after) if match.spec.not_after else None


def is_waiting(match: MatchSeen, *, now: datetime.datetime) -> bool:
    """Whether this Match may be given a server now."""
    latest = not_after(match)
    return (
        match.status.phase is Phase.PENDING
        and not match.deleting
        and match.spec.desired is Desired.RUN
        and now < assign_deadline(match)
        and (latest is None or now <= latest)
    )


def of_match(
    match: MatchSeen,
    *,
    fleets: Mapping[FleetName, FleetSeen],
    deleted: Collection[FleetName],
) -> Supply:
    """What this Match may hope for from the Fleets it names."""
    named = [FleetName(name) for name in match.spec.fleets]
    found = [fleets[name] for name in named if name in fleets and not fleets[name].deleting]
    if not found:
        was_there = all(name in deleted or name in fleets for name in named)
        text = "deleted" if was_there else "not there"
        return Supply(
            hope=Hope.NONE if was_there else Hope.SOME,
            reason=Reason.FLEET_GONE,
            message=f"its fleets are {text}: {', '.join(named)}",
        )
    playing = [f for f in found if f.game == match.spec.game]
    if not playing:
        games = ", ".join(f"{f.name} plays {f.game}" for f in found)
        return Supply(
            reason=Reason.NO_CAPACITY, message=f"no fleet plays {match.spec.game}: {games}"
        )
    return _of_fleets(playing)


def is_stuck(fleet: FleetSeen) -> bool:
    """Whether no more servers of this Fleet can be hoped for, for now."""
    return conditions.is_true(fleet.status.conditions, CAPACITY_LIMITED) or bool(_hurt(fleet))


def _hurt(fleet: FleetSeen) -> str:
    """Why its servers do not come, if they do not; one that rolled back is well again."""
    told = conditions.find(fleet.status.conditions, DEGRADED)
    if told is None or told.status != "True":
        return ""
    hurts = told.reason in {CREATE_REFUSED, CANNOT_START} or (
        told.reason == rollout.CRASH_BUDGET_SPENT and not fleet.status.blocked_revision
    )
    return told.message if hurts else ""


def _of_fleets(found: Sequence[FleetSeen]) -> Supply:
    degraded = [f"fleet {f.name}: {text}" for f in found if (text := _hurt(f))]
    if degraded:
        return Supply(message="; ".join(degraded))
    if all(conditions.is_true(f.status.conditions, CAPACITY_LIMITED) for f in found):
        names = ", ".join(f"{f.name} (max {f.max})" for f in found)
        return Supply(reason=Reason.NO_CAPACITY, message=f"every server is taken: {names}")
    hints = [c.message for f in found if (c := conditions.find(f.status.conditions, PROGRESSING))]
    told = "; ".join(hint for hint in hints if hint)
    return Supply(message=f"no server became ready in time: {told}") if told else Supply()
