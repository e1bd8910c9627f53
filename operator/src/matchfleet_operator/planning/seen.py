"""What the planners know of the cluster: Matches, Fleets, servers and nodes as frozen values.

`observed` makes them from the API server's objects. A version is the resourceVersion as a number,
which is how Kubernetes orders them within one etcd: of two values with one uid the greater version
is the newer.
"""

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from matchfleet_contracts.ids import FleetName, MatchName, MatchUid, PodName, PodUid
from matchfleet_contracts.resources import (
    FINALIZER_RESULT,
    Condition,
    ExposeType,
    MatchSpec,
    Phase,
    PortProtocol,
    Server,
)
from matchfleet_contracts.results import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When a Match got its server, became Ready, and ended."""

    assigned: datetime.datetime | None = None
    ready: datetime.datetime | None = None
    ended: datetime.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchStatus:
    """`status` of a Match, as it is or as it should be."""

    phase: Phase = Phase.PENDING
    players: str = ""
    server: Server | None = None
    times: Times = Times()
    result: Result | None = None
    reason: str = ""
    message: str = ""
    conditions: tuple[Condition, ...] = ()
    observed_generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchSeen:
    """A Match as last seen."""

    name: MatchName
    uid: MatchUid
    version: int
    generation: int
    created: datetime.datetime
    deleting: bool
    spec: MatchSpec
    status: MatchStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneMatch:
    """An incarnation of a Match that does not exist any more.

    last: how it was seen last, and `is_final` whether it was deleted like that.
    """

    name: MatchName
    uid: MatchUid
    last: MatchSeen | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a claimed server says about its match: enough to tell its end when the Match is gone."""

    match: MatchName
    match_uid: MatchUid
    game: str
    mode: str
    region: str
    humans: int
    bots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """How the container that plays the match ended."""

    exit_code: int
    reason: str
    message: str
    at: datetime.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPort:
    """One port of a server for players; host_port is 0 when it has no node port."""

    name: str
    container_port: int
    protocol: PortProtocol = PortProtocol.TCP
    host_port: int = 0


GAME_PORT = PodPort(name="game", container_port=7777)
"""The one port of a server whose Fleet says nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSeen:
    """A server as last seen.

    Attributes:
        fleet_uid: UID of the Fleet that owns it; empty once a Match does.
        claim: the match it was claimed for, for ever; None while it is idle.
        unready_since: when its Ready condition last turned to something else than True.
        deletion_due: when a pod that is being deleted should have stopped at the latest.
        deletion_grace_s: seconds it was given to stop.
        trouble: why it does not start, in words for a person; empty when nothing is wrong.
        disruption: reason of its DisruptionTarget condition.
        attempt: how many servers before it failed to start, one after the other.
        ports: its ports for players, the one that a Match's url names first.
        address: address told to players instead of the node's own; empty for none.
        gateway_port: port of the gateway in front of it; 0 for none.
        drain_s: seconds it may go on with its match when told to stop.
    """

    name: PodName
    uid: PodUid
    version: int
    fleet: FleetName
    fleet_uid: str
    created: datetime.datetime
    claim: Claim | None = None
    finalizers: tuple[str, ...] = ()
    started: datetime.datetime | None = None
    phase: str = "Pending"
    ready: bool = False
    unready_since: datetime.datetime | None = None
    deletion_due: datetime.datetime | None = None
    deletion_grace_s: int = 0
    terminated: Terminated | None = None
    trouble: str = ""
    reason: str = ""
    message: str = ""
    disruption: str = ""
    node: str = ""
    ip: str = ""
    host_ip: str = ""
    ports: tuple[PodPort, ...] = (GAME_PORT,)
    control_port: int = 7778
    address: str = ""
    gateway_port: int = 0
    drain_s: int = 20
    revision: str = ""
    attempt: int = 0

    @property
    def is_deleting(self) -> bool:
        """Whether somebody asked for its deletion."""
        return self.deletion_due is not None

    @property
    def is_held(self) -> bool:
        """Whether it waits for us to have published its match's end."""
        return FINALIZER_RESULT in self.finalizers

    @property
    def has_ended(self) -> bool:
        """Whether its game can never run again."""
        return self.terminated is not None or self.phase in {"Succeeded", "Failed"}

    @property
    def is_idle(self) -> bool:
        """Whether it could be claimed now."""
        return (
            self.claim is None
            and self.ready
            and bool(self.ip)
            and not self.is_deleting
            and not self.has_ended
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRange:
    """A named range of node ports, both ends included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetPort:
    """A port that each server of a Fleet has for players.

    host_ports: name of the range its node port is from; empty for the first range.
    """

    name: str
    container_port: int
    protocol: PortProtocol = PortProtocol.TCP
    host_ports: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expose:
    """How players reach a Fleet's servers.

    port, service: of a Gateway Fleet, the port told to players and the headless Service under
        which its servers have their names.
    """

    type: ExposeType
    address: str = ""
    port: int = 443
    service: str = ""
    host_ports: tuple[HostRange, ...] = ()


class Placement(enum.StrEnum):
    """Where a Fleet's new servers go."""

    PACKED = "Packed"
    SPREAD = "Spread"


class Evict(enum.StrEnum):
    """Whether a busy server may be evicted at any time."""

    NEVER = "Never"
    ALWAYS = "Always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """How a new revision takes over; shares and late ticks in percent, see `crds/fleets.yaml`."""

    canary_percent: int = 100
    canary_matches: int = 5
    progress_deadline_s: int = 600
    auto_rollback: bool = True
    late_tick_percent: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashBudget:
    """Crashes of one revision, within so many seconds, after which it gets no more servers."""

    count: int = 5
    window_s: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Disruption:
    """What may interrupt a busy server; grace_s counts from its node's cordon."""

    evict: Evict = Evict.NEVER
    grace_s: int = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscale:
    """Bounds and sources of the number of idle servers.

    buffer: idle servers, as a number; buffer_percent: as a percentage of the busy ones.
    players_per_match: how many waiting players one idle server is kept for; 0 for none.
    """

    min_warm: int = 0
    max_warm: int = 0
    buffer: int = 0
    buffer_percent: int = 0
    players_per_match: int = 0
    stabilization_s: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionStatus:
    """What a Fleet's status keeps of one revision of its template.

    number: counts up with each new revision. since: when it was last seen to become wanted.
    starting_since: since when it tries to get its first server Ready; None while it cannot, or has.
    ready: when its first server was. proven: when enough of its matches had ended well.
    failed: the reason it was given up for, in one word.
    played, late: its matches that ended with a result, and those of them that ticked late, until it
        is proven; tally: which ones these are, so that none is counted twice.
    crashes: when servers of it crashed lately, oldest first.
    """

    revision: str
    number: int
    since: datetime.datetime | None = None
    starting_since: datetime.datetime | None = None
    ready: datetime.datetime | None = None
    proven: datetime.datetime | None = None
    failed: str = ""
    idle: int = 0
    starting: int = 0
    busy: int = 0
    played: int = 0
    late: int = 0
    tally: tuple[str, ...] = ()
    crashes: tuple[datetime.datetime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """Idle servers that demand asked for, and until when; None while it still does."""

    warm: int
    until: datetime.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetStatus:
    """`status` of a Fleet, as it is or as it should be.

    desired_warm, scaling: the autoscaler's number and its reason; None and empty without one.
    recommendations: what its number is the greatest of, see `autoscale`.
    revision: the one that new servers get. blocked_revision: one that was given up.
    """

    idle: int = 0
    starting: int = 0
    busy: int = 0
    draining: int = 0
    waiting: int = 0
    desired_warm: int | None = None
    scaling: str = ""
    recommendations: tuple[Recommendation, ...] = ()
    revision: str = ""
    blocked_revision: str = ""
    revisions: tuple[RevisionStatus, ...] = ()
    selector: str = ""
    conditions: tuple[Condition, ...] = ()
    observed_generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSeen:
    """A Fleet as last seen. The template is handed on to pods as it is; nobody here reads it.

    made_from: what of its spec a server is made from, as it stands there; `revision` is its hash.
    """

    name: FleetName
    uid: str
    version: int
    generation: int
    deleting: bool
    game: str
    region: str
    warm: int
    max: int
    drain_s: int
    ports: tuple[FleetPort, ...]
    control_port: int
    expose: Expose
    revision: str
    template: Mapping[str, Any] = field(repr=False, hash=False, compare=False)
    made_from: Mapping[str, Any] = field(
        default_factory=dict, repr=False, hash=False, compare=False
    )
    placement: Placement = Placement.PACKED
    strategy: Strategy = Strategy()
    crash_budget: CrashBudget = CrashBudget()
    disruption: Disruption = Disruption()
    autoscale: Autoscale | None = None
    status: FleetStatus = FleetStatus()


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSeen:
    """A ControllerRevision of a Fleet: what its servers were, or are, made from.

    made: the fields of FleetSeen that it determines, by name.
    """

    name: str
    uid: str
    version: int
    fleet: FleetName
    fleet_uid: str
    revision: str
    number: int
    made: Mapping[str, Any] = field(repr=False, hash=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneFleet:
    """A Fleet that was deleted, or never was."""

    name: FleetName


@dataclass(frozen=True, slots=True, kw_only=True)
class Cordon:
    """That a node takes no new servers, for somebody is emptying it.

    why: what was done to it, as the end of "the node was ...". since: None when nobody noted it.
    """

    why: str
    since: datetime.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSeen:
    """A node, where nodes may be read: does it work, and at which address do players find it.

    taints: their keys. cordon: None while the node takes new servers.
    """

    name: str
    ready: bool
    address: str
    version: int = 0
    taints: tuple[str, ...] = ()
    cordon: Cordon | None = None
