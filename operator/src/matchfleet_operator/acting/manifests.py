"""From what the planners want to what the API server takes. Pure: same action, same body."""

import copy
import datetime
from typing import Any

import msgspec

from matchfleet_contracts import clock
from matchfleet_contracts.resources import (
    ANNOTATION_MATCH_UID,
    API_VERSION,
    FINALIZER_RESULT,
    GAME_CONTAINER,
    LABEL_FLEET,
    LABEL_GAME,
    LABEL_MANAGED_BY,
    LABEL_MATCH,
    LABEL_STATE,
    MANAGED_BY,
    Condition,
    ExposeType,
    Server,
)
from matchfleet_operator import marks
from matchfleet_operator.planning import actions, ends, placement
from matchfleet_operator.planning.seen import (
    Evict,
    FleetSeen,
    FleetStatus,
    MatchSeen,
    MatchStatus,
    PodSeen,
    Recommendation,
    RevisionSeen,
    RevisionStatus,
    Times,
)

Body = dict[str, Any]

CONTROLLER = "matchfleet.dev/operator"
MAX_LABEL_CHARS = 63
MAX_NOTE_CHARS = 1024
# Kubernetes gives a pod five minutes on a node that is gone; players do not wait that long.
_NODE_GONE_S = 30
_NODE_GONE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def pod_for(create: actions.CreatePod) -> Body:
    """The pod of a new server: the Fleet's template with what every server has."""
    fleet = create.fleet
    template = copy.deepcopy(dict(fleet.template))
    meta = template.get("metadata") or {}
    spec = template["spec"]
    for container in spec["containers"]:
        if container["name"] == GAME_CONTAINER:
            _complete_game(container, create)
    spec |= {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": fleet.drain_s + marks.STOP_MARGIN_S,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "tolerations": _tolerations(spec),
        **placement.wishes(spec, fleet),
    }
    if fleet.expose.type is ExposeType.GATEWAY:
        # The name under which the gateway finds it: HOSTNAME.SUBDOMAIN.NAMESPACE.svc.
        spec |= {"hostname": create.name, "subdomain": fleet.expose.service}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": create.name,
            "labels": (meta.get("labels") or {}) | _labels(fleet),
            "annotations": (meta.get("annotations") or {}) | _notes(create),
            "ownerReferences": [_owner("Fleet", fleet.name, fleet.uid)],
        },
        "spec": spec,
    }


def _labels(fleet: FleetSeen) -> Body:
    service = fleet.expose.service
    named = {marks.LABEL_SERVICE: service} if service else {}
    return named | {
        LABEL_MANAGED_BY: MANAGED_BY,
        LABEL_FLEET: fleet.name,
        LABEL_GAME: fleet.game,
        LABEL_STATE: "idle",
        marks.LABEL_REVISION: fleet.revision,
    }


def _notes(create: actions.CreatePod) -> Body:
    notes = {
        marks.ANNOTATION_ATTEMPT: str(create.attempt),
        marks.ANNOTATION_SAFE_TO_EVICT: "true",
    }
    expose = create.fleet.expose
    if expose.address:
        notes[marks.ANNOTATION_ADDRESS] = expose.address
    if expose.type is ExposeType.GATEWAY:
        notes[marks.ANNOTATION_GATEWAY_PORT] = str(expose.port)
    return notes


def _complete_game(container: Body, create: actions.CreatePod) -> None:
    container["env"] = _env(container.get("env") or [], create.fleet)
    container["ports"] = _ports(container.get("ports") or [], create)
    container["terminationMessagePolicy"] = "File"
    probes = {
        "startupProbe": _probe("/livez", period_s=1, failures=60),
        "readinessProbe": _probe("/readyz", period_s=1, failures=3),
        # Who does not answer any more would not use the time to drain either.
        "livenessProbe": _probe("/livez", period_s=2, failures=3)
        | {"terminationGracePeriodSeconds": marks.HUNG_GRACE_S},
    }
    for name, probe in probes.items():
        container.setdefault(name, probe)


def _env(given: list[Body], fleet: FleetSeen) -> list[Body]:
    fields = {
        "MATCHFLEET_POD_NAME": "metadata.name",
        "MATCHFLEET_POD_UID": "metadata.uid",
        "MATCHFLEET_POD_IP": "status.podIP",
        "MATCHFLEET_NAMESPACE": "metadata.namespace",
    }
    values = {
        "MATCHFLEET_GAME": fleet.game,
        "MATCHFLEET_GAME_PORT": str(fleet.ports[0].container_port),
        "MATCHFLEET_CONTROL_PORT": str(fleet.control_port),
        "MATCHFLEET_DRAIN_SECONDS": str(fleet.drain_s),
        "MATCHFLEET_REGION": fleet.region,
    } | {f"MATCHFLEET_PORT_{_variable(p.name)}": str(p.container_port) for p in fleet.ports}
    ours = [
        {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        for name, path in fields.items()
    ] + [{"name": name, "value": value} for name, value in values.items()]
    named = fields.keys() | values.keys()
    # Ours first, so that the template's own values may refer to them as $(NAME).
    return [*ours, *(e for e in given if e.get("name") not in named)]


def _variable(port_name: str) -> str:
    return port_name.replace("-", "_").upper()


def _ports(given: list[Body], create: actions.CreatePod) -> list[Body]:
    """The Fleet's ports, control, and then what the template adds: `observed` reads that order."""
    fleet = create.fleet
    node_ports = create.host_ports or (0,) * len(fleet.ports)
    ours: list[Body] = [
        {"name": p.name, "containerPort": p.container_port, "protocol": p.protocol.value}
        | ({"hostPort": node_port} if node_port else {})
        for p, node_port in zip(fleet.ports, node_ports, strict=True)
    ]
    ours.append({"name": "control", "containerPort": fleet.control_port, "protocol": "TCP"})
    names = {p["name"] for p in ours}
    taken = {p["containerPort"] for p in ours}
    others = [
        p for p in given if p.get("name") not in names and p.get("containerPort") not in taken
    ]
    return [*ours, *others]


def _probe(path: str, *, period_s: int, failures: int) -> Body:
    return {
        "httpGet": {"path": path, "port": "control"},
        "periodSeconds": period_s,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
    }


def _tolerations(spec: Body) -> list[Body]:
    given: list[Body] = spec.get("tolerations") or []
    keys = {t.get("key") for t in given}
    ours = [
        {
            "key": taint,
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": _NODE_GONE_S,
        }
        for taint in _NODE_GONE_TAINTS
        if taint not in keys
    ]
    return given + ours


def _owner(kind: str, name: str, uid: str) -> Body:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def revision_for(put: actions.PutRevision) -> Body:
    """The ControllerRevision that keeps what a Fleet's servers are made from."""
    fleet = put.fleet
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": put.name,
            "labels": {
                LABEL_MANAGED_BY: MANAGED_BY,
                LABEL_FLEET: fleet.name,
                marks.LABEL_REVISION: fleet.revision,
            },
            "ownerReferences": [_owner("Fleet", fleet.name, fleet.uid)],
        },
        "revision": put.number,
        "data": copy.deepcopy(dict(fleet.made_from)),
    }


def renumber_patch(put: actions.PutRevision, seen: RevisionSeen) -> Body:
    """Makes a revision that is wanted again the newest; what it holds cannot change."""
    meta = {"uid": seen.uid, "resourceVersion": str(seen.version)}
    return {"metadata": meta, "revision": put.number}


def claim_patch(claim: actions.ClaimPod) -> Body:
    """Makes a pod that of a Match: owner, labels, what its end needs, finalizer, deadline."""
    pod, match = claim.pod, claim.match
    told = ends.claim_of(match)
    return {
        "metadata": {
            "uid": pod.uid,
            "resourceVersion": str(pod.version),
            "labels": {
                LABEL_STATE: "busy",
                LABEL_MATCH: _label(match.name),
                marks.LABEL_EVICT: claim.evict.value,
            },
            "annotations": {
                ANNOTATION_MATCH_UID: match.uid,
                marks.ANNOTATION_MATCH: match.name,
                marks.ANNOTATION_MODE: told.mode,
                marks.ANNOTATION_REGION: told.region,
                marks.ANNOTATION_HUMANS: str(told.humans),
                marks.ANNOTATION_BOTS: str(told.bots),
                marks.ANNOTATION_SAFE_TO_EVICT: _yes_or_no(claim.evict is Evict.ALWAYS),
            },
            "ownerReferences": [_owner("Match", match.name, match.uid)],
            "finalizers": [*pod.finalizers, FINALIZER_RESULT],
        },
        "spec": {"activeDeadlineSeconds": claim.deadline_s},
    }


def _yes_or_no(value: bool) -> str:
    return "true" if value else "false"


def _label(name: str) -> str:
    return name[:MAX_LABEL_CHARS].rstrip("-.")


def release_patch(pod: PodSeen) -> Body:
    """Takes our finalizer from a pod and leaves those of others."""
    others = [f for f in pod.finalizers if f != FINALIZER_RESULT]
    return {
        "metadata": {
            "uid": pod.uid,
            "resourceVersion": str(pod.version),
            "finalizers": others or None,
        }
    }


def match_status_patch(patch: actions.PatchMatchStatus) -> Body:
    """What changes in a Match's status, at the version that was seen."""
    before, after = _match_status(patch.match.status), _match_status(patch.status)
    return {
        "metadata": {"uid": patch.match.uid, "resourceVersion": str(patch.match.version)},
        # The phase is always said: a status that has no other field yet needs it.
        "status": _difference(before, after) | {"phase": patch.status.phase.value},
    }


def _match_status(status: MatchStatus) -> Body:
    return {
        "phase": status.phase.value,
        "players": status.players or None,
        "server": _server(status.server) if status.server is not None else None,
        "times": _times(status.times),
        "result": msgspec.to_builtins(status.result) if status.result is not None else None,
        "reason": status.reason or None,
        "message": status.message or None,
        "conditions": _conditions(status.conditions),
        "observedGeneration": status.observed_generation,
    }


def _server(server: Server) -> Body:
    # Every field, so that a merge leaves nothing of the server before.
    return {
        "pod": server.pod,
        "podUID": server.pod_uid,
        "node": server.node or None,
        "revision": server.revision or None,
        "address": server.address or None,
        "port": server.port or None,
        "url": server.url or None,
        "ports": msgspec.to_builtins(server.ports) or None,
    }


def _times(times: Times) -> Body:
    at = {"assigned": times.assigned, "ready": times.ready, "ended": times.ended}
    return {name: clock.rfc3339(time) for name, time in at.items() if time is not None}


def _conditions(conditions: tuple[Condition, ...]) -> list[Body]:
    found: list[Body] = msgspec.to_builtins(conditions)
    return found


def fleet_status_patch(patch: actions.PatchFleetStatus) -> Body:
    """What changes in a Fleet's status, at the version that was seen.

    What it says of revisions decides what follows, so it must not be written over newer words.
    """
    before, after = _fleet_status(patch.fleet.status), _fleet_status(patch.status)
    meta = {"uid": patch.fleet.uid, "resourceVersion": str(patch.fleet.version)}
    return {"metadata": meta, "status": _difference(before, after)}


def _fleet_status(status: FleetStatus) -> Body:
    return {
        "idle": status.idle,
        "starting": status.starting,
        "busy": status.busy,
        "draining": status.draining,
        "waiting": status.waiting,
        "desiredWarm": status.desired_warm,
        "scaling": status.scaling or None,
        "recommendations": [_recommendation(r) for r in status.recommendations],
        "revision": status.revision,
        "blockedRevision": status.blocked_revision or None,
        "revisions": [_revision_status(r) for r in status.revisions],
        "selector": status.selector,
        "conditions": _conditions(status.conditions),
        "observedGeneration": status.observed_generation,
    }


def _recommendation(told: Recommendation) -> Body:
    until = {"until": clock.rfc3339(told.until)} if told.until is not None else {}
    return until | {"warm": told.warm}


def _revision_status(told: RevisionStatus) -> Body:
    times = {
        "since": told.since,
        "startingSince": told.starting_since,
        "ready": told.ready,
        "proven": told.proven,
    }
    counts = {
        "revision": told.revision,
        "number": told.number,
        "idle": told.idle,
        "starting": told.starting,
        "busy": told.busy,
        "played": told.played,
        "late": told.late,
        "crashes": [clock.rfc3339(at) for at in told.crashes],
    }
    said = {name: clock.rfc3339(at) for name, at in times.items() if at is not None}
    more = {"failed": told.failed, "tally": list(told.tally)}
    return counts | said | {name: value for name, value in more.items() if value}


def _difference(before: Body, after: Body) -> Body:
    return {key: value for key, value in after.items() if before.get(key) != value}


def event_for(
    emit: actions.EmitEvent, *, name: str, namespace: str, instance: str, now: datetime.datetime
) -> Body:
    """A Kubernetes Event about a Match or a Fleet."""
    about = emit.about
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "eventTime": clock.rfc3339(now),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "action": "Reconcile",
        "type": emit.severity.value,
        "reason": emit.reason,
        "note": emit.note[:MAX_NOTE_CHARS],
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "Match" if isinstance(about, MatchSeen) else "Fleet",
            "namespace": namespace,
            "name": about.name,
            "uid": about.uid,
            "resourceVersion": str(about.version),
        },
    }
