"""The Match and Fleet resources of `matchfleet.dev/v1alpha1`, as values.

`crds/` is the one source of the schema; a contract test holds these types against it. Field names
are the resource's own (camelCase on the wire). Unknown fields are ignored on decoding, so that an
older process reads a newer resource.
"""

import enum
import hashlib
from typing import Any

import msgspec

GROUP = "matchfleet.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "matchfleet-operator"
LABEL_FLEET = f"{GROUP}/fleet"
LABEL_GAME = f"{GROUP}/game"
LABEL_STATE = f"{GROUP}/state"
"""On a pod: `idle` until it is claimed, then `busy` for ever."""
LABEL_MATCH = f"{GROUP}/match"
"""On a claimed pod: the name of its Match."""
ANNOTATION_MATCH_UID = f"{GROUP}/match-uid"
"""On a claimed pod: the UID of its Match, so that a result outlives a deleted Match."""
ANNOTATION_ORIGIN = f"{GROUP}/origin"
"""On a Match: `api` when a row in PostgreSQL stands behind it."""
ANNOTATION_SPEC_DIGEST = f"{GROUP}/spec-digest"
"""On a Match made by `api`: `spec_digest` of the spec that was asked for."""
ORIGIN_API = "api"
FINALIZER_RESULT = f"{GROUP}/result"
"""On a claimed pod until the broker has confirmed its match's end."""
GAME_CONTAINER = "game"
"""Name of the container in a Fleet's template that plays the match."""


class Phase(enum.StrEnum):
    """Where a Match stands.

    Pending -> Assigned (a server was chosen) -> Ready (it acknowledged; players may join)
    -> Completed (a valid result) | Failed (with a reason) | Cancelled (asked for). The last three
    are terminal and final; Pending and Assigned may fail or be cancelled as well.
    """

    PENDING = "Pending"
    ASSIGNED = "Assigned"
    READY = "Ready"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing about the outcome can change any more."""
        return self in {Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED}


class Reason(enum.StrEnum):
    """Why a match ended without a completed game, in words a player's UI may translate."""

    NO_CAPACITY = "NoCapacity"
    ASSIGN_TIMEOUT = "AssignTimeout"
    TOO_LATE = "TooLate"
    FLEET_GONE = "FleetGone"
    JOIN_TIMEOUT = "JoinTimeout"
    TIMED_OUT = "TimedOut"
    TICK_STALLED = "TickStalled"
    GAME_FAILED = "GameFailed"
    SERVER_LOST = "ServerLost"
    NODE_LOST = "NodeLost"
    EVICTED = "Evicted"
    DRAINED = "Drained"
    RESULT_INVALID = "ResultInvalid"
    CANCELLED = "Cancelled"
    DELETED = "Deleted"


class PlayerKind(enum.StrEnum):
    """Who plays a seat of the opening roster."""

    HUMAN = "Human"
    BOT = "Bot"


class Desired(enum.StrEnum):
    """What the owner of a Match wants of it."""

    RUN = "Run"
    CANCEL = "Cancel"


class ExposeType(enum.StrEnum):
    """How players reach a server of a Fleet."""

    HOST_PORT = "HostPort"
    GATEWAY = "Gateway"
    POD_IP = "PodIP"


class PortProtocol(enum.StrEnum):
    """What is spoken on a port for players."""

    TCP = "TCP"
    UDP = "UDP"


class RosterEntry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One seat of `spec.players`. A Human has an id; a Bot names a policy, or none for the game's
    own rules.
    """

    seat: int
    kind: PlayerKind
    id: str | None = None
    team: int = 0
    bot: str | None = None


class Limits(msgspec.Struct, frozen=True, rename="camel"):
    """Deadlines of a Match in seconds: to find a server, to join it, and to play."""

    assign_seconds: int = 60
    join_seconds: int = 30
    max_seconds: int = 900


class MatchSpec(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`spec` of a Match. Immutable but for `desired` and `ttlSecondsAfterFinished`."""

    game: str
    mode: str
    region: str
    fleets: list[str]
    players: list[RosterEntry] = []
    config: dict[str, int | str] = {}
    seed: int = 0
    ranked: bool = False
    limits: Limits = Limits()
    not_after: str | None = None
    """RFC 3339; the operator refuses to assign a server later than this."""
    desired: Desired = Desired.RUN
    ttl_seconds_after_finished: int = 3600


class ServerPort(msgspec.Struct, frozen=True):
    """One port at which players reach a server."""

    name: str
    port: int
    protocol: PortProtocol


class Server(msgspec.Struct, frozen=True, rename={"pod_uid": "podUID"}, omit_defaults=True):
    """`status.server`: the one pod that plays, or played, a Match."""

    pod: str
    pod_uid: str
    node: str = ""
    revision: str = ""
    address: str = ""
    port: int = 0
    url: str = ""
    """Of the first port: `ws://ADDRESS:PORT`, `udp://ADDRESS:PORT`, or behind a gateway
    `wss://ADDRESS:PORT/play/POD`; set once Ready."""
    ports: tuple[ServerPort, ...] = ()
    """Every port, the first one first; set once Ready."""


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """A Kubernetes condition; `status` is "True", "False" or "Unknown"."""

    type: str
    status: str
    reason: str
    message: str
    last_transition_time: str


def spec_digest(spec: dict[str, Any]) -> str:
    """SHA-256, in hex, of a Match spec in canonical JSON (sorted keys, no blanks).

    Two creations of the same Match agree exactly when these digests do. `desired` and
    `ttlSecondsAfterFinished` may change later and are left out.
    """
    fixed = {k: v for k, v in spec.items() if k not in {"desired", "ttlSecondsAfterFinished"}}
    return hashlib.sha256(msgspec.json.encode(fixed, order="sorted")).hexdigest()
