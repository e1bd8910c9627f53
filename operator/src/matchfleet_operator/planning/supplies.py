"""Decides how many servers a Fleet starts and removes now.

Idle servers wanted are `warm` and one for each Match that waits; `max` bounds all that run, and the
rollout's course says of which revision they are. A server that does not start keeps its place until
its time to be replaced has come, longer each time: so a bad template never loops hot, and its pods
can be looked at meanwhile. What is idle and of the wrong revision goes as its replacement comes.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from matchfleet_contracts.ids import PodName
from matchfleet_operator.planning import actions, disruption, exposure, needs, removals, servers
from matchfleet_operator.planning.needs import Need
from matchfleet_operator.planning.rollout import Course
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import FleetSeen, HostRange, PodSeen
from matchfleet_operator.planning.servers import Servers, Surroundings

Pick = Callable[[int], int]
"""Draws a number from 0 to below the argument."""

# No vowels, as in Kubernetes' own generated names, so that no words come out.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_NAME_CHARS = 5
_MATURE_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Supplies:
    """How the number of servers changes in this pass, and what keeps it from changing more.

    tried: revisions that have, or may be given, a server that is not claimed.
    """

    creates: tuple[actions.CreatePod, ...] = ()
    deletes: tuple[actions.DeletePod, ...] = ()
    limit: str = ""
    limit_reason: str = "WithinMax"
    tried: frozenset[str] = frozenset()
    wake_at: datetime.datetime | None = None


def change(
    course: Course,
    found: Servers,
    wanted: int,
    around: Surroundings,
    *,
    now: datetime.datetime,
    rules: Rules,
    pick: Pick,
) -> Supplies:
    """The servers to start and to remove so that `wanted` idle ones come about."""
    fleet = course.wanted
    wants = needs.of_revisions(course, found, wanted, now=now, rules=rules)
    replaced = min(sum(len(n.due) for n in wants), rules.deletes)
    room = fleet.max - found.living + replaced
    is_refused = around.refusal is not None and now < around.refusal.until
    growths = {
        n.made.revision: 0 if is_refused else _growth(course, n, found, rules)
        for n in wants
        if n.made is not None
    }
    creates, exhausted = _creates(
        wants, growths, min(room, rules.creates), around.ports_taken, pick
    )
    makes_way = room <= 0 and removals.makes_way(wants, growths, found)
    spare = max(len(found.idle) - wanted, int(makes_way))
    resting = [p for n in wants for p in n.resting]
    missing = wanted - len(found.idle) - len(found.starting) - len(resting)
    stranded = disruption.to_remove(
        found, idle=len(found.idle), wanted=wanted, missing=missing, room=room
    )
    doomed = removals.doomed(wants, found, stranded, spare, around, fleet)[: rules.deletes]
    limit, limit_reason = _limit(fleet, missing - len(stranded), room, exhausted=exhausted)
    return Supplies(
        creates=creates,
        deletes=tuple(actions.DeletePod(pod=p, grace_s=_grace_s(p, found)) for p in doomed),
        limit=limit,
        limit_reason=limit_reason,
        tried=frozenset(
            n.made.revision
            for n in wants
            if n.made and n.share and (n.starting or n.resting or n.due or room > 0)
        ),
        wake_at=actions.wait(
            *(at for p in resting if (at := needs.due_at(p, rules)) > now),
            *(servers.slow_at(p, rules) for p in found.starting),
            around.refusal.until if around.refusal is not None and is_refused else None,
        ).wake_at,
    )


def _attempt(due: Sequence[PodSeen]) -> int:
    """The number of failures in a row that a new server carries on."""
    return max((p.attempt + 1 for p in due if not _was_mature(p)), default=0)


def _was_mature(pod: PodSeen) -> bool:
    ended = pod.terminated
    lived = ended.at - pod.created if ended is not None and ended.at is not None else None
    return lived is not None and lived >= seconds(_MATURE_S)


def _growth(course: Course, need: Need, found: Servers, rules: Rules) -> int:
    """How many servers of a revision may be made now.

    Of one that has never worked there are no more at once than one pass makes; and when the first
    of them fail, no more than failed.
    """
    revision = need.made.revision if need.made is not None else ""
    if revision in course.frozen:
        return 0
    if need.idle or any(p.revision == revision for p in found.busy):
        return need.missing
    if need.due or need.resting or any(p.attempt for p in need.starting):
        return len(need.due)
    if course.known[revision].ready is None:
        return rules.creates - len(need.starting)
    return need.missing


def _creates(
    wants: Sequence[Need],
    growths: Mapping[str, int],
    most: int,
    ports_taken: AbstractSet[int],
    pick: Pick,
) -> tuple[tuple[actions.CreatePod, ...], HostRange | None]:
    """The servers to create, and the range of node ports that did not suffice for all of them."""
    creates: list[actions.CreatePod] = []
    taken, exhausted = set(ports_taken), None
    for need in wants:
        if need.made is None:
            continue
        growth = growths[need.made.revision]
        count = max(0, min(need.missing, growth, most - len(creates)))
        drawing = exposure.Drawing(need.made, taken, pick)
        creates += _drawn(need.made, drawing, count, _attempt(need.due), pick)
        taken |= {port for create in creates for port in create.host_ports}
        exhausted = exhausted or drawing.exhausted
    return tuple(creates), exhausted


def _drawn(
    made: FleetSeen, drawing: exposure.Drawing, count: int, attempt: int, pick: Pick
) -> list[actions.CreatePod]:
    creates: list[actions.CreatePod] = []
    for _ in range(count):
        host_ports = drawing.draw()
        if host_ports is None:
            break
        name = PodName(f"{made.name}-{_suffix(pick)}")
        creates.append(
            actions.CreatePod(fleet=made, name=name, host_ports=host_ports, attempt=attempt)
        )
    return creates


def _suffix(pick: Pick) -> str:
    return "".join(_ALPHABET[pick(len(_ALPHABET))] for _ in range(_NAME_CHARS))


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
