"""Decides how many servers a Fleet starts and removes now.

Idle servers wanted are `warm` and one for each Match that waits; `max` bounds all that run. A
server that does not start keeps its place until its time to be replaced has come, longer each time:
so a bad template never loops hot, and its pods can be looked at meanwhile.
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matchfleet_contracts.ids import PodName
from matchfleet_operator import actions, disruption, exposure, placement, servers
from matchfleet_operator.rules import Rules, seconds
from matchfleet_operator.seen import FleetSeen, HostRange, PodSeen
from matchfleet_operator.servers import Servers, Surroundings

Pick = Callable[[int], int]
"""Draws a number from 0 to below the argument."""

# No vowels, as in Kubernetes' own generated names, so that no words come out.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NAME_CHARS = 5
_MATURE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """How the number of servers changes in this pass, and what keeps it from changing more."""

    creates: tuple[actions.CreatePod, ...] = ()
    deletes: tuple[actions.DeletePod, ...] = ()
    limit: str = ""
    limit_reason: str = "WithinMax"
    wake_at: datetime.datetime | None = None


def change(
    fleet: FleetSeen,
    found: Servers,
    wanted: int,
    around: Surroundings,
    *,
    now: datetime.datetime,
    rules: Rules,
    pick: Pick,
) -> Supplies:
    """The servers to start and to remove so that `wanted` idle ones come about."""
    due, resting = _due(fleet, found.troubled, now=now, rules=rules)
    fresh = [p for p in (*found.idle, *found.starting) if p.revision == fleet.revision]
    outdated = [p for p in (*found.idle, *found.starting) if p.revision != fleet.revision]
    missing = wanted - len(fresh) - len(resting)
    room = fleet.max - found.living + len(due)
    growth = _growth(fleet, found, missing, len(due), around, now=now)
    count = max(0, min(missing, room, growth, rules.creates))
    creates, exhausted = _creates(fleet, count, _attempt(due), around, pick)
    excess = _excess(fleet, found, resting, -missing, around)
    stranded = disruption.to_remove(
        found, idle=sum(p.is_idle for p in fresh), wanted=wanted, missing=missing, room=room
    )
    retired = _retired(outdated, fresh, wanted, room)
    doomed = [*due, *found.foreign, *stranded, *excess, *retired][: rules.deletes]
    limit, limit_reason = _limit(
        fleet, missing - len(outdated) - len(stranded), room, exhausted=exhausted
    )
    return Supplies(
        creates=creates,
        deletes=tuple(actions.DeletePod(pod=p, grace_s=_grace_s(p, found)) for p in doomed),
        limit=limit,
        limit_reason=limit_reason,
        wake_at=actions.wait(
            *(_due_at(p, rules) for p in resting),
            *(servers.slow_at(p, rules) for p in found.starting),
            around.refusal.until if around.refusal and now < around.refusal.until else None,
        ).wake_at,
    )


def _due(
    fleet: FleetSeen, troubled: Sequence[PodSeen], *, now: datetime.datetime, rules: Rules
) -> tuple[list[PodSeen], list[PodSeen]]:
    """Servers in trouble whose time to be replaced has come, and those that keep their place."""
    due = [p for p in troubled if p.revision != fleet.revision or now >= _due_at(p, rules)]
    return due, [p for p in troubled if p not in due]


def _due_at(pod: PodSeen, rules: Rules) -> datetime.datetime:
    pause_s = min(rules.retry_start_s * 2.0 ** min(pod.attempt, 16), rules.retry_start_most_s)
    return pod.created + seconds(pause_s)


def _attempt(due: Sequence[PodSeen]) -> int:
    """The number of failures in a row that a new server carries on."""
    return max((p.attempt + 1 for p in due if not _was_mature(p)), default=0)


def _was_mature(pod: PodSeen) -> bool:
    ended = pod.terminated
    lived = ended.at - pod.created if ended is not None and ended.at is not None else None
    return lived is not None and lived >= seconds(_MATURE_S)


def _growth(
    fleet: FleetSeen,
    found: Servers,
    missing: int,
    replacements: int,
    around: Surroundings,
    *,
    now: datetime.datetime,
) -> int:
    """How many servers may be created now: when none has ever started, no more than failed."""
    if around.refusal is not None and now < around.refusal.until:
        return 0
    works = any(p.revision == fleet.revision for p in (*found.idle, *found.busy))
    retrying = (p for p in found.starting if p.attempt)
    failing = any(p.revision == fleet.revision for p in (*found.troubled, *retrying))
    return replacements if failing and not works else missing


def _creates(
    fleet: FleetSeen, count: int, attempt: int, around: Surroundings, pick: Pick
) -> tuple[tuple[actions.CreatePod, ...], HostRange | None]:
    """The servers to create, and the range of node ports that did not suffice for all of them."""
    drawing = exposure.Drawing(fleet, around.ports_taken, pick)
    creates: list[actions.CreatePod] = []
    for _ in range(count):
        host_ports = drawing.draw()
        if host_ports is None:
            break
        name = PodName(f"{fleet.name}-{_suffix(pick)}")
        creates.append(
            actions.CreatePod(fleet=fleet, name=name, host_ports=host_ports, attempt=attempt)
        )
    return tuple(creates), drawing.exhausted


def _suffix(pick: Pick) -> str:
    return "".join(_ALPHABET[pick(len(_ALPHABET))] for _ in range(_NAME_CHARS))


def _excess(
    fleet: FleetSeen,
    found: Servers,
    resting: Sequence[PodSeen],
    count: int,
    around: Surroundings,
) -> list[PodSeen]:
    """Servers that are too many: first those in trouble, then as `placement` has it."""
    if count <= 0:
        return []
    fresh = [p for p in (*found.idle, *found.starting) if p.revision == fleet.revision]
    candidates = placement.removal_order(
        fresh, fleet.placement, around.loads, cordoned=around.cordoned
    )
    return [*resting, *candidates][:count]


def _retired(
    outdated: Sequence[PodSeen], fresh: Sequence[PodSeen], wanted: int, room: int
) -> list[PodSeen]:
    """Idle servers of an older template: they go as new ones come, and never all at once."""
    starting = [p for p in outdated if not p.is_idle]
    idle = [p for p in outdated if p.is_idle]
    count = sum(p.is_idle for p in fresh) + len(idle) - wanted
    if room <= 0 and not starting and not any(not p.is_idle for p in fresh):
        count = max(count, 1)
    return [*starting, *idle[: max(0, count)]]


def _grace_s(pod: PodSeen, found: Servers) -> int | None:
    # What never started has nothing to finish.
    return 0 if pod in found.troubled else None


def _limit(
    fleet: FleetSeen, missing: int, room: int, *, exhausted: HostRange | None
) -> tuple[str, str]:
    if exhausted is not None:
        taken = f"from {exhausted.first} to {exhausted.last} ({exhausted.name})"
        return f"every node port {taken} is taken", "NoFreePort"
    if missing > room:
        return f"{missing} more servers are wanted and max is {fleet.max}", "AtMax"
    return "", "WithinMax"
