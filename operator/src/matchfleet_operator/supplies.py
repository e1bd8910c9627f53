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
from matchfleet_operator import actions, disruption, exposure, placement, servers
from matchfleet_operator.rollout import Course
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
    """How the number of servers changes in this pass, and what keeps it from changing more.

    tried: revisions that have, or may be given, a server that is not claimed.
    """

    creates: tuple[actions.CreatePod, ...] = ()
    deletes: tuple[actions.DeletePod, ...] = ()
    limit: str = ""
    limit_reason: str = "WithinMax"
    tried: frozenset[str] = frozenset()
    wake_at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """One revision's idle servers: those wanted, those there, and what may be done about it.

    due: servers in trouble whose time to be replaced has come; resting: those that keep their
        place until then.
    """

    made: FleetSeen | None
    share: int
    idle: tuple[PodSeen, ...]
    starting: tuple[PodSeen, ...]
    due: tuple[PodSeen, ...]
    resting: tuple[PodSeen, ...]

    @property
    def missing(self) -> int:
        """How many are to be made; negative when there are too many."""
        return self.share - len(self.idle) - len(self.starting) - len(self.resting)


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
    needs = _needs(course, found, wanted, now=now, rules=rules)
    replaced = min(sum(len(n.due) for n in needs), rules.deletes)
    room = fleet.max - found.living + replaced
    is_refused = around.refusal is not None and now < around.refusal.until
    growths = {
        n.made.revision: 0 if is_refused else _growth(course, n, found, rules)
        for n in needs
        if n.made is not None
    }
    creates, exhausted = _creates(
        needs, growths, min(room, rules.creates), around.ports_taken, pick
    )
    makes_way = room <= 0 and _makes_way(needs, growths, found)
    spare = max(len(found.idle) - wanted, int(makes_way))
    resting = [p for n in needs for p in n.resting]
    missing = wanted - len(found.idle) - len(found.starting) - len(resting)
    stranded = disruption.to_remove(
        found, idle=len(found.idle), wanted=wanted, missing=missing, room=room
    )
    doomed = _doomed(needs, found, stranded, spare, around, fleet)[: rules.deletes]
    limit, limit_reason = _limit(fleet, missing - len(stranded), room, exhausted=exhausted)
    return Supplies(
        creates=creates,
        deletes=tuple(actions.DeletePod(pod=p, grace_s=_grace_s(p, found)) for p in doomed),
        limit=limit,
        limit_reason=limit_reason,
        tried=frozenset(
            n.made.revision
            for n in needs
            if n.made and n.share and (n.starting or n.resting or n.due or room > 0)
        ),
        wake_at=actions.wait(
            *(_due_at(p, rules) for p in resting),
            *(servers.slow_at(p, rules) for p in found.starting),
            around.refusal.until if around.refusal is not None and is_refused else None,
        ).wake_at,
    )


def _needs(
    course: Course, found: Servers, wanted: int, *, now: datetime.datetime, rules: Rules
) -> list[_Need]:
    """What is wanted and there of each revision; those of which none is wanted come first."""
    unclaimed = (*found.idle, *found.starting, *found.troubled)
    draining = sum(p.claim is not None and not p.has_ended for p in found.leaving)
    shares = course.shares(wanted, course.wanted.max - len(found.busy) - draining)
    makes = course.makes
    outdated = {p.revision: None for p in unclaimed if p.revision not in makes}
    return [
        _need(course, found, revision, shares.get(revision, 0), now=now, rules=rules)
        for revision in (*outdated, *makes)
    ]


def _need(
    course: Course,
    found: Servers,
    revision: str,
    share: int,
    *,
    now: datetime.datetime,
    rules: Rules,
) -> _Need:
    made = course.makes.get(revision)
    troubled = [p for p in found.troubled if p.revision == revision]
    # Of what is not made any more nothing has to be looked at, and what crashes too often waits.
    is_over, is_frozen = made is None, revision in course.frozen
    due = [p for p in troubled if is_over or (now >= _due_at(p, rules) and not is_frozen)]
    return _Need(
        made=made,
        share=share,
        idle=tuple(p for p in found.idle if p.revision == revision),
        starting=tuple(p for p in found.starting if p.revision == revision),
        due=tuple(due),
        resting=tuple(p for p in troubled if p not in due),
    )


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


def _growth(course: Course, need: _Need, found: Servers, rules: Rules) -> int:
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
    needs: Sequence[_Need],
    growths: Mapping[str, int],
    most: int,
    ports_taken: AbstractSet[int],
    pick: Pick,
) -> tuple[tuple[actions.CreatePod, ...], HostRange | None]:
    """The servers to create, and the range of node ports that did not suffice for all of them."""
    creates: list[actions.CreatePod] = []
    taken, exhausted = set(ports_taken), None
    for need in needs:
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


def _doomed(
    needs: Sequence[_Need],
    found: Servers,
    stranded: Sequence[PodSeen],
    spare: int,
    around: Surroundings,
    fleet: FleetSeen,
) -> list[PodSeen]:
    """Servers to remove now; `spare` idle ones may go, and more only if there are beyond `max`."""

    def ordered(pods: Sequence[PodSeen]) -> list[PodSeen]:
        return placement.removal_order(
            pods, fleet.placement, around.loads, cordoned=around.cordoned
        )

    due = [p for n in needs for p in n.due]
    # Those in trouble first, then those that start.
    rising = [[*n.resting, *ordered(n.starting)] for n in needs]
    idle = [ordered(n.idle) for n in needs]
    over = [-n.missing for n in needs]
    risen = [p for n, pods in zip(over, rising, strict=True) for p in pods[: max(0, n)]]
    waiting = [
        p
        for n, pods, first in zip(over, idle, rising, strict=True)
        for p in pods[: max(0, n - len(first))]
    ]
    gone = [*due, *found.foreign, *stranded, *risen, *waiting[: max(0, spare)]]
    left = [p for pods in (*rising, *idle) for p in pods if p not in gone]
    # What leaves already is on its way, whatever it still holds.
    kept = len(left) + len(found.busy) + sum(p not in gone for p in found.stranded)
    return [*gone, *left[: max(0, kept - fleet.max)]]


def _makes_way(needs: Sequence[_Need], growths: Mapping[str, int], found: Servers) -> bool:
    """Whether one idle server should go in a full Fleet so that another revision can come.

    Not while one is coming or going, and not for a revision whose servers do not start.
    """
    on_their_way = any(n.starting for n in needs) or any(
        p.claim is None and not p.has_ended for p in found.leaving
    )
    wanting = (n for n in needs if n.made is not None and not n.resting and not n.due)
    may_come = any(n.missing > 0 and growths[n.made.revision] > 0 for n in wanting if n.made)
    return may_come and not on_their_way


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
