"""From the API server's objects to the values of `seen`: the only place that knows where in an
object a thing stands. What is not read here (managed fields, volumes) is not kept.
"""

import datetime
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from matchfleet_contracts import clock
from matchfleet_contracts.ids import FleetName, MatchName, MatchUid, PodName, PodUid
from matchfleet_contracts.resources import (
    ANNOTATION_MATCH_UID,
    GAME_CONTAINER,
    LABEL_FLEET,
    LABEL_GAME,
    LABEL_MATCH,
    Condition,
    ExposeType,
    MatchSpec,
    Phase,
    PortProtocol,
    Server,
)
from matchfleet_contracts.results import Result
from matchfleet_operator import errors, marks
from matchfleet_operator.planning.seen import (
    Autoscale,
    Claim,
    Cordon,
    CrashBudget,
    Disruption,
    Evict,
    Expose,
    FleetPort,
    FleetSeen,
    FleetStatus,
    HostRange,
    MatchSeen,
    MatchStatus,
    NodeSeen,
    Placement,
    PodPort,
    PodSeen,
    Recommendation,
    RevisionSeen,
    RevisionStatus,
    Strategy,
    Terminated,
    Times,
)

Raw = Mapping[str, Any]

_GAME_PORT: Raw = {"name": "game", "containerPort": 7777}

# A container that waits for one of these does not start by waiting longer.
_TROUBLES = frozenset(
    {
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "CrashLoopBackOff",
    }
)


# Taints by which a node is emptied before it goes, and what each says was done to the node. Others
# only keep some pods out, and the servers' template may tolerate them.
_EMPTYING = {
    "node.kubernetes.io/unschedulable": "cordoned",
    "ToBeDeletedByClusterAutoscaler": "given up by the cluster autoscaler",
    "karpenter.sh/disrupted": "given up by Karpenter",
    "karpenter.sh/disruption": "given up by Karpenter",
    "node.cloudprovider.kubernetes.io/shutdown": "shut down by its cloud",
}


def uid_of(raw: Raw) -> str:
    """An object's uid."""
    return str(raw["metadata"]["uid"])


def name_of(raw: Raw) -> str:
    """An object's name."""
    return str(raw["metadata"]["name"])


def version_of(raw: Raw) -> int:
    """An object's, or a list's, resourceVersion as a number."""
    return int(raw["metadata"]["resourceVersion"])


def is_terminating(raw: Raw) -> bool:
    """Whether a namespace is being deleted."""
    return "deletionTimestamp" in raw["metadata"]


def match(raw: Raw) -> MatchSeen:
    """A Match.

    Raises:
        errors.Unreadable: it does not follow its schema.
    """
    meta = raw["metadata"]
    try:
        return MatchSeen(
            name=MatchName(meta["name"]),
            uid=MatchUid(meta["uid"]),
            version=version_of(raw),
            generation=meta.get("generation", 0),
            created=clock.parse_rfc3339(meta["creationTimestamp"]),
            deleting="deletionTimestamp" in meta,
            spec=msgspec.convert(raw["spec"], MatchSpec),
            status=_match_status(raw.get("status") or {}),
        )
    except (msgspec.ValidationError, KeyError, ValueError, TypeError) as error:
        raise errors.Unreadable(kind="Match", name=name_of(raw), detail=str(error)) from error


def _match_status(status: Raw) -> MatchStatus:
    times = status.get("times") or {}
    server, result = status.get("server"), status.get("result")
    return MatchStatus(
        phase=Phase(status.get("phase", Phase.PENDING)),
        players=status.get("players", ""),
        server=msgspec.convert(server, Server) if server else None,
        times=Times(
            assigned=_time(times.get("assigned")),
            ready=_time(times.get("ready")),
            ended=_time(times.get("ended")),
        ),
        result=msgspec.convert(result, Result) if result else None,
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        conditions=_conditions(status),
        observed_generation=status.get("observedGeneration", 0),
    )


def _conditions(status: Raw) -> tuple[Condition, ...]:
    return tuple(
        msgspec.convert({"message": "", **c}, Condition) for c in status.get("conditions") or ()
    )


def fleet(raw: Raw) -> FleetSeen:
    """A Fleet.

    Raises:
        errors.Unreadable: it does not follow its schema.
    """
    meta = raw["metadata"]
    try:
        spec = raw["spec"]
        made_from = {key: spec[key] for key in _MADE_FROM if key in spec}
        return FleetSeen(
            name=FleetName(meta["name"]),
            uid=meta["uid"],
            version=version_of(raw),
            generation=meta.get("generation", 0),
            deleting="deletionTimestamp" in meta,
            warm=spec.get("warm", 0),
            max=spec["max"],
            made_from=made_from,
            revision=_hash(made_from),
            **_made(made_from),
            placement=Placement(spec.get("placement", "Packed")),
            strategy=_strategy(spec.get("strategy") or {}),
            crash_budget=_crash_budget(spec.get("crashBudget") or {}),
            disruption=_disruption(spec.get("disruption") or {}),
            autoscale=_autoscale(spec["autoscale"]) if spec.get("autoscale") else None,
            status=_fleet_status(raw.get("status") or {}),
        )
    except (msgspec.ValidationError, KeyError, ValueError, TypeError) as error:
        raise errors.Unreadable(kind="Fleet", name=name_of(raw), detail=str(error)) from error


# What of a Fleet's spec a server is made from.
_MADE_FROM = ("game", "region", "template", "ports", "controlPort", "expose", "drainSeconds")


def _hash(made_from: Raw) -> str:
    """What a server is made from, as a short hash: servers of another one are replaced."""
    text = msgspec.json.encode(made_from, order="sorted")
    return hashlib.sha256(text).hexdigest()[:10]


def _made(made_from: Raw) -> dict[str, Any]:
    """The fields of FleetSeen that follow from what servers are made from."""
    return {
        "game": made_from["game"],
        "region": made_from["region"],
        "drain_s": made_from.get("drainSeconds", 20),
        "ports": _fleet_ports(made_from.get("ports") or [_GAME_PORT]),
        "control_port": made_from.get("controlPort", 7778),
        "expose": _expose(made_from["expose"]),
        "template": made_from["template"],
    }


def revision(raw: Raw) -> RevisionSeen:
    """A ControllerRevision of ours.

    Raises:
        errors.Unreadable: it was not made by us, whatever its labels say.
    """
    meta = raw["metadata"]
    try:
        return RevisionSeen(
            name=meta["name"],
            uid=meta["uid"],
            version=version_of(raw),
            fleet=FleetName(meta["labels"][LABEL_FLEET]),
            fleet_uid=_owner(meta, "Fleet"),
            revision=meta["labels"][marks.LABEL_REVISION],
            number=raw["revision"],
            made=_made(raw["data"]),
        )
    except (msgspec.ValidationError, KeyError, ValueError, TypeError) as error:
        raise errors.Unreadable(
            kind="ControllerRevision", name=name_of(raw), detail=str(error)
        ) from error


def _expose(expose: Raw) -> Expose:
    return Expose(
        type=ExposeType(expose["type"]),
        address=expose.get("address", ""),
        port=expose.get("port", 443),
        service=expose.get("service", ""),
        host_ports=tuple(
            HostRange(name=r["name"], first=r["from"], last=r["to"])
            for r in expose.get("hostPorts") or ()
        ),
    )


def _fleet_ports(ports: Sequence[Raw]) -> tuple[FleetPort, ...]:
    return tuple(
        FleetPort(
            name=p["name"],
            container_port=p["containerPort"],
            protocol=PortProtocol(p.get("protocol", "TCP")),
            host_ports=p.get("hostPorts", ""),
        )
        for p in ports
    )


# What the schema defaults is defaulted here as well: an object may be older than its schema.


def _strategy(given: Raw) -> Strategy:
    return Strategy(
        canary_percent=given.get("canaryPercent", 100),
        canary_matches=given.get("canaryMatches", 5),
        progress_deadline_s=given.get("progressDeadlineSeconds", 600),
        auto_rollback=given.get("autoRollback", True),
        late_tick_percent=given.get("lateTickPercent", 20),
    )


def _crash_budget(given: Raw) -> CrashBudget:
    return CrashBudget(count=given.get("count", 5), window_s=given.get("windowSeconds", 600))


def _disruption(given: Raw) -> Disruption:
    return Disruption(
        evict=Evict(given.get("evict", "Never")), grace_s=given.get("graceSeconds", 3600)
    )


def _autoscale(given: Raw) -> Autoscale:
    buffer = given.get("buffer", 0)
    is_percent = isinstance(buffer, str)
    depth = given.get("queueDepth")
    return Autoscale(
        min_warm=given.get("minWarm", 0),
        max_warm=given["maxWarm"],
        buffer=0 if is_percent else buffer,
        buffer_percent=int(buffer.rstrip("%")) if is_percent else 0,
        players_per_match=depth.get("playersPerMatch", 2) if depth is not None else 0,
        stabilization_s=given.get("scaleDownStabilizationSeconds", 300),
    )


def _fleet_status(status: Raw) -> FleetStatus:
    return FleetStatus(
        idle=status.get("idle", 0),
        starting=status.get("starting", 0),
        busy=status.get("busy", 0),
        draining=status.get("draining", 0),
        waiting=status.get("waiting", 0),
        desired_warm=status.get("desiredWarm"),
        scaling=status.get("scaling", ""),
        recommendations=tuple(
            Recommendation(warm=r["warm"], until=_time(r.get("until")))
            for r in status.get("recommendations") or ()
        ),
        revision=status.get("revision", ""),
        blocked_revision=status.get("blockedRevision", ""),
        revisions=tuple(_revision_status(r) for r in status.get("revisions") or ()),
        selector=status.get("selector", ""),
        conditions=_conditions(status),
        observed_generation=status.get("observedGeneration", 0),
    )


def _revision_status(raw: Raw) -> RevisionStatus:
    return RevisionStatus(
        revision=raw["revision"],
        number=raw["number"],
        since=_time(raw.get("since")),
        starting_since=_time(raw.get("startingSince")),
        ready=_time(raw.get("ready")),
        proven=_time(raw.get("proven")),
        failed=raw.get("failed", ""),
        idle=raw.get("idle", 0),
        starting=raw.get("starting", 0),
        busy=raw.get("busy", 0),
        played=raw.get("played", 0),
        late=raw.get("late", 0),
        tally=tuple(raw.get("tally") or ()),
        crashes=tuple(clock.parse_rfc3339(at) for at in raw.get("crashes") or ()),
    )


def pod(raw: Raw) -> PodSeen:
    """A server.

    Raises:
        errors.Unreadable: it was not made by us, whatever its labels say.
    """
    meta, spec = raw["metadata"], raw["spec"]
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    status = raw.get("status") or {}
    try:
        ports, control_port = _ports(spec)
        ready = _condition(status, "Ready")
        terminated = _terminated(status)
        claim = _claim(labels, notes)
        return PodSeen(
            name=PodName(meta["name"]),
            uid=PodUid(meta["uid"]),
            version=version_of(raw),
            fleet=FleetName(labels[LABEL_FLEET]),
            fleet_uid=_owner(meta, "Fleet"),
            created=clock.parse_rfc3339(meta["creationTimestamp"]),
            claim=claim,
            finalizers=tuple(meta.get("finalizers") or ()),
            started=_time(status.get("startTime")),
            phase=status.get("phase", "Pending"),
            ready=ready.get("status") == "True",
            unready_since=(
                None if ready.get("status") == "True" else _time(ready.get("lastTransitionTime"))
            ),
            deletion_due=_time(meta.get("deletionTimestamp")),
            deletion_grace_s=meta.get("deletionGracePeriodSeconds") or 0,
            terminated=terminated,
            trouble=_trouble(status, terminated) if claim is None else "",
            reason=status.get("reason", ""),
            message=status.get("message") or _unscheduled(status),
            disruption=_condition(status, "DisruptionTarget").get("reason", ""),
            node=spec.get("nodeName", ""),
            ip=status.get("podIP", ""),
            host_ip=status.get("hostIP", ""),
            ports=ports,
            control_port=control_port,
            address=notes.get(marks.ANNOTATION_ADDRESS, ""),
            gateway_port=int(notes.get(marks.ANNOTATION_GATEWAY_PORT, "0")),
            drain_s=max(0, spec.get("terminationGracePeriodSeconds", 30) - marks.STOP_MARGIN_S),
            revision=labels.get(marks.LABEL_REVISION, ""),
            attempt=int(notes.get(marks.ANNOTATION_ATTEMPT, "0")),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise errors.Unreadable(kind="Pod", name=name_of(raw), detail=str(error)) from error


def _claim(labels: Raw, notes: Raw) -> Claim | None:
    uid = notes.get(ANNOTATION_MATCH_UID)
    if not uid:
        return None
    return Claim(
        match=MatchName(notes.get(marks.ANNOTATION_MATCH) or labels.get(LABEL_MATCH, "")),
        match_uid=MatchUid(uid),
        game=labels.get(LABEL_GAME, ""),
        mode=notes.get(marks.ANNOTATION_MODE, ""),
        region=notes.get(marks.ANNOTATION_REGION, ""),
        humans=int(notes.get(marks.ANNOTATION_HUMANS, "0")),
        bots=int(notes.get(marks.ANNOTATION_BOTS, "0")),
    )


def _owner(meta: Raw, kind: str) -> str:
    owners = meta.get("ownerReferences") or ()
    return next((str(o["uid"]) for o in owners if o.get("kind") == kind), "")


def _ports(spec: Raw) -> tuple[tuple[PodPort, ...], int]:
    """The ports for players, and the control port: the Fleet's stand before it, others after."""
    containers = spec.get("containers") or ()
    games = (c.get("ports") or () for c in containers if c.get("name") == GAME_CONTAINER)
    listed: Sequence[Raw] = next(games, ())
    names = [p.get("name") for p in listed]
    if "control" not in names or names[0] == "control":
        raise ValueError("the container `game` does not declare the ports that the operator sets")
    control = names.index("control")
    return tuple(_pod_port(p) for p in listed[:control]), listed[control]["containerPort"]


def _pod_port(port: Raw) -> PodPort:
    return PodPort(
        name=port["name"],
        container_port=port["containerPort"],
        protocol=PortProtocol(port.get("protocol", "TCP")),
        host_port=port.get("hostPort", 0),
    )


def _condition(status: Raw, kind: str) -> Raw:
    found = (c for c in status.get("conditions") or () if c.get("type") == kind)
    return next(found, {})


def _unscheduled(status: Raw) -> str:
    scheduled = _condition(status, "PodScheduled")
    return scheduled.get("message", "") if scheduled.get("status") == "False" else ""


def _terminated(status: Raw) -> Terminated | None:
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if container.get("name") == GAME_CONTAINER and ended:
            return Terminated(
                exit_code=ended.get("exitCode", 0),
                reason=ended.get("reason", ""),
                message=ended.get("message", ""),
                at=_time(ended.get("finishedAt")),
            )
    return None


def _trouble(status: Raw, terminated: Terminated | None) -> str:
    """Why an unclaimed server does not, or no longer, run."""
    containers = (status.get("initContainerStatuses") or []) + (
        status.get("containerStatuses") or []
    )
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _TROUBLES:
            detail = waiting.get("message", "")
            return f"{waiting['reason']}: {detail}" if detail else str(waiting["reason"])
    if terminated is not None:
        words = terminated.message or terminated.reason
        return f"exited with code {terminated.exit_code} before its match ({words})"
    if status.get("phase") in {"Failed", "Succeeded"}:
        words = status.get("message") or status.get("reason") or "no reason given"
        return f"the pod is {status['phase']}: {words}"
    return ""


def node(raw: Raw) -> NodeSeen:
    """A node."""
    status = raw.get("status") or {}
    by_type = {a["type"]: a["address"] for a in status.get("addresses") or ()}
    return NodeSeen(
        name=name_of(raw),
        ready=_condition(status, "Ready").get("status") == "True",
        address=by_type.get("ExternalIP") or by_type.get("InternalIP") or "",
        version=version_of(raw),
        taints=tuple(t["key"] for t in _taints(raw)),
        cordon=_cordon(raw),
    )


def _taints(raw: Raw) -> list[Raw]:
    return (raw.get("spec") or {}).get("taints") or []


def _cordon(raw: Raw) -> Cordon | None:
    """That a node is being emptied, and since when: the earliest time that anybody noted."""
    unschedulable = (raw.get("spec") or {}).get("unschedulable", False)
    found = [t for t in _taints(raw) if t["key"] in _EMPTYING]
    if not unschedulable and not found:
        return None
    times = [at for t in found if (at := _tainted_at(t)) is not None]
    if unschedulable and not times:
        times = _cordoned_at(raw)
    words = [_EMPTYING[t["key"]] for t in found]
    return Cordon(why=words[0] if words else "cordoned", since=min(times, default=None))


def _tainted_at(taint: Raw) -> datetime.datetime | None:
    if taint.get("timeAdded"):
        return _time(taint["timeAdded"])
    # The cluster autoscaler writes seconds since 1970 into its taint's value.
    value = taint.get("value") or ""
    return datetime.datetime.fromtimestamp(int(value), datetime.UTC) if value.isdigit() else None


def _cordoned_at(raw: Raw) -> list[datetime.datetime]:
    """When `spec.unschedulable` was written, by the API server's own account of who wrote what.

    Only the node controller adds the taint that says it better, and only a little later.
    """
    return [
        clock.parse_rfc3339(entry["time"])
        for entry in raw["metadata"].get("managedFields") or ()
        if "f:unschedulable" in (entry.get("fieldsV1") or {}).get("f:spec", {}) and "time" in entry
    ]


def _time(text: str | None) -> datetime.datetime | None:
    return clock.parse_rfc3339(text) if text else None
