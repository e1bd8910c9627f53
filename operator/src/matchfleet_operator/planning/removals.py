"""Decides which unclaimed servers go now: never a busy one, and never the last idle ones too soon.

What does not start, and what starts although it is not wanted, goes at once. What is idle and too
much goes only as far as enough others are idle, so that a rollout costs no player a wait.
"""

from collections.abc import Mapping, Sequence

from matchfleet_operator.planning import placement
from matchfleet_operator.planning.needs import Need
from matchfleet_operator.planning.seen import FleetSeen, PodSeen
from matchfleet_operator.planning.servers import Servers, Surroundings


def doomed(
    needs: Sequence[Need],
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


def makes_way(needs: Sequence[Need], growths: Mapping[str, int], found: Servers) -> bool:
    """Whether one idle server should go in a full Fleet so that another revision can come.

    Not while one is coming or going, and not for a revision whose servers do not start.
    """
    on_their_way = any(n.starting for n in needs) or any(
        p.claim is None and not p.has_ended for p in found.leaving
    )
    wanting = (n for n in needs if n.made is not None and not n.resting and not n.due)
    may_come = any(n.missing > 0 and growths[n.made.revision] > 0 for n in wanting if n.made)
    return may_come and not on_their_way
