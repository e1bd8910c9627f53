"""What each pod is to its Fleet: idle, starting, in trouble, busy, leaving, stranded on a node that
is being emptied, or of another Fleet.
"""

import datetime
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from matchfleet_contracts.ids import PodName, PodUid
from matchfleet_operator.planning import demand
from matchfleet_operator.planning.evidence import Evidence
from matchfleet_operator.planning.placement import Loads
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import FleetSeen, PodSeen, RevisionSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The API server refused the last servers of this Fleet: why, how often, how long to pause."""

    message: str
    count: int
    until: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What else is known about a Fleet.

    Attributes:
        reserved: servers that a Match chose and that are not claimed yet.
        unfit: servers that refused to be claimed.
        ports_taken: node ports of all our servers, in every Fleet.
        uncertain: servers whose creation was asked for and not answered.
        refusal: the API server's last word about a creation, if it was a no.
        cordoned: nodes that are being emptied; an unclaimed server on one is no supply.
        loads: how many servers of all Fleets each node carries.
        depth: players that wait for this Fleet in the queues.
        revisions: ControllerRevisions of this Fleet, and of one of that name before it.
        evidence: what its servers that ended lately say about the revisions they were of.
        status_written_at: when this Fleet's status was written last.
        namespace_ending: everything in this namespace is being deleted.
        closing: this process is about to stop and begins nothing new.
    """

    reserved: AbstractSet[PodUid] = frozenset()
    unfit: AbstractSet[PodUid] = frozenset()
    ports_taken: AbstractSet[int] = frozenset()
    uncertain: tuple[PodName, ...] = ()
    refusal: Refusal | None = None
    cordoned: AbstractSet[str] = frozenset()
    loads: Loads = field(default_factory=Loads)
    depth: demand.Depth = demand.UNKNOWN
    revisions: tuple[RevisionSeen, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    status_written_at: datetime.datetime | None = None
    namespace_ending: bool = False
    closing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """A Fleet's pods, sorted by what they are to it; each is in one place only."""

    idle: tuple[PodSeen, ...] = ()
    starting: tuple[PodSeen, ...] = ()
    troubled: tuple[PodSeen, ...] = ()
    busy: tuple[PodSeen, ...] = ()
    leaving: tuple[PodSeen, ...] = ()
    foreign: tuple[PodSeen, ...] = ()
    stranded: tuple[PodSeen, ...] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with the first of those in trouble of each revision, for people."""

    @property
    def living(self) -> int:
        """Pods that hold resources or are about to; `max` bounds them."""
        kept = len(self.idle) + len(self.starting) + len(self.troubled) + len(self.busy)
        return (
            kept + len(self.stranded) + sum(not p.has_ended for p in (*self.leaving, *self.foreign))
        )


def sort(
    fleet: FleetSeen,
    pods: Sequence[PodSeen],
    around: Surroundings,
    *,
    now: datetime.datetime,
    rules: Rules,
) -> Servers:
    """The Fleet's pods by what they are to it, oldest first."""
    places: dict[str, list[PodSeen]] = {}
    for pod in sorted(pods, key=lambda p: (p.created, p.name)):
        place = _place(fleet, pod, around, now=now, rules=rules)
        places.setdefault(place, []).append(pod)
    troubles: dict[str, str] = {}
    for pod in places.get("troubled", ()):
        what = _trouble(pod, around, now=now, rules=rules)
        troubles.setdefault(pod.revision, f"server {pod.name} does not start: {what}")
    return Servers(
        troubles=troubles,
        **{place: tuple(found) for place, found in places.items()},
    )


def _place(
    fleet: FleetSeen, pod: PodSeen, around: Surroundings, *, now: datetime.datetime, rules: Rules
) -> str:
    if pod.is_deleting or (pod.claim is not None and pod.has_ended):
        return "leaving"
    if pod.claim is not None or pod.uid in around.reserved:
        return "busy"
    if pod.fleet_uid and pod.fleet_uid != fleet.uid:
        return "foreign"
    if pod.node in around.cordoned:
        return "stranded"
    if _trouble(pod, around, now=now, rules=rules):
        return "troubled"
    return "idle" if pod.is_idle else "starting"


def _trouble(pod: PodSeen, around: Surroundings, *, now: datetime.datetime, rules: Rules) -> str:
    if pod.trouble:
        return pod.trouble
    if pod.uid in around.unfit:
        return "the API server refuses to have it claimed"
    if not pod.ready and now >= slow_at(pod, rules):
        since = pod.unready_since or pod.created
        return pod.message or f"not ready since {since:%H:%M:%S}"
    return ""


def slow_at(pod: PodSeen, rules: Rules) -> datetime.datetime:
    """When a server that is still not ready counts as in trouble."""
    return max(pod.created, pod.unready_since or pod.created) + seconds(rules.start_s)
