"""What a planner may ask for. Each action may be carried out twice: names are fixed beforehand,
every write carries the version or the uid it was decided on, and "gone already" counts as deleted.
"""

import datetime
import enum
from dataclasses import dataclass

from matchfleet_contracts.events import Event
from matchfleet_contracts.ids import MatchName, MatchUid, PodName, PodUid
from matchfleet_operator.planning.seen import (
    Evict,
    FleetSeen,
    FleetStatus,
    GoneMatch,
    MatchSeen,
    MatchStatus,
    PodSeen,
    RevisionSeen,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchMatchStatus:
    """Gives a Match this status, if it is still the version that was seen."""

    match: MatchSeen
    status: MatchStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMatch:
    """Removes a Match that ended, if it is still the version that was seen."""

    match: MatchSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPod:
    """Makes an idle server that of a Match, if it is still the version that was seen.

    deadline_s counts from the pod's start; the kubelet ends the pod then, whatever we do.
    evict: whether an eviction may end the match.
    """

    pod: PodSeen
    match: MatchSeen
    deadline_s: int
    evict: Evict = Evict.NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class SendAssignment:
    """Tells a claimed server what to play and waits until it agrees."""

    pod: PodSeen
    match: MatchSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePod:
    """Starts a server; what is random about it was drawn by the planner.

    host_ports: node ports in the order of the Fleet's ports; empty when it has none.
    """

    fleet: FleetSeen
    name: PodName
    host_ports: tuple[int, ...]
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePod:
    """Ends exactly this pod; an idle one only if it is still the version that was seen."""

    pod: PodSeen
    grace_s: int | None = None

    @property
    def version(self) -> int | None:
        """The version to insist on: an idle server may be claimed by somebody else meanwhile."""
        return self.pod.version if self.pod.claim is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFinalizer:
    """Lets a claimed pod go: the end of its match is published."""

    pod: PodSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReady:
    """Tells everybody that players may join."""

    match_uid: MatchUid
    pod_uid: PodUid
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishEnd:
    """Tells everybody how a match ended; done when the broker confirmed."""

    match_uid: MatchUid
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchFleetStatus:
    """Gives a Fleet this status."""

    fleet: FleetSeen
    status: FleetStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRevision:
    """Keeps what a Fleet's servers are made from; `seen` if it is kept, under another number."""

    fleet: FleetSeen
    number: int
    seen: RevisionSeen | None = None

    @property
    def name(self) -> str:
        """What it is called: the same for the same content."""
        return f"{self.fleet.name}-{self.fleet.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRevision:
    """Drops a revision that nobody returns to any more."""

    revision: RevisionSeen


class Severity(enum.StrEnum):
    """The two kinds of Kubernetes Events."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitEvent:
    """Leaves a Kubernetes Event for who reads `kubectl describe`; it may get lost."""

    about: MatchSeen | FleetSeen
    severity: Severity
    reason: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtMatch:
    """Reads a Match from the API server, because what we know may be old.

    because: the claimed pod that this Match does not seem to want.
    """

    name: MatchName
    uid: MatchUid
    because: PodUid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtPod:
    """Reads a pod from the API server, because it is not seen where it should be."""

    name: PodName
    uid: PodUid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetMatch:
    """Drops the memory of a Match that is gone and of which nothing is left to do."""

    match: GoneMatch


Action = (
    PatchMatchStatus
    | DeleteMatch
    | ClaimPod
    | SendAssignment
    | CreatePod
    | DeletePod
    | ReleaseFinalizer
    | PublishReady
    | PublishEnd
    | PatchFleetStatus
    | PutRevision
    | DeleteRevision
    | EmitEvent
    | LookAtMatch
    | LookAtPod
    | ForgetMatch
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now, in order, and when to look again at the latest if nothing happens."""

    actions: tuple[Action, ...] = ()
    wake_at: datetime.datetime | None = None


NOTHING = Plan()


def act(*actions: Action) -> Plan:
    """The plan to do these."""
    return Plan(actions=actions)


def wait(*until: datetime.datetime | None) -> Plan:
    """The plan to do nothing before the earliest of these times, or before something happens."""
    return Plan(wake_at=min((at for at in until if at is not None), default=None))
