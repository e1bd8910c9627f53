"""What a kubelet reports of a pod: its status, from the pod and what is known of its process. Pure.

An unchanged status is equal to the old one, so that nothing is written for nothing. The terminal
phase is reported once the process has ended, never before: whoever reads Failed may rely on the
port being free.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from matchfleet_local.cluster import podlife, stamps

DEADLINE_REASON = "DeadlineExceeded"
DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def status(pod: Mapping[str, Any], seen: podlife.Seen, now: datetime.datetime) -> dict[str, Any]:
    """The status the pod must have now."""
    before = pod.get("status") or {}
    if podlife.is_terminal(pod):
        return dict(before)
    phase = _phase(pod, seen, now)
    kept = {key: value for key, value in before.items() if key not in _OURS}
    result = {
        "phase": phase,
        **kept,
        "conditions": _conditions(before.get("conditions") or [], pod, seen, phase, now),
        "hostIP": "127.0.0.1",
        "hostIPs": [{"ip": "127.0.0.1"}],
        "startTime": before.get("startTime") or stamps.text(now),
        "containerStatuses": [_container(pod, seen, phase)],
    }
    if seen.address:
        result |= {"podIP": seen.address, "podIPs": [{"ip": seen.address}]}
    if phase == "Failed" and podlife.is_out_of_time(pod, seen, now):
        result |= {"reason": DEADLINE_REASON, "message": DEADLINE_MESSAGE}
    return result


_OURS = frozenset(
    {
        "phase",
        "conditions",
        "hostIP",
        "hostIPs",
        "startTime",
        "containerStatuses",
        "podIP",
        "podIPs",
    }
)


def _phase(pod: Mapping[str, Any], seen: podlife.Seen, now: datetime.datetime) -> str:
    match seen.process:
        case podlife.Running():
            return "Running"
        case podlife.Exited(code=code) as ended:
            if podlife.is_out_of_time(pod, seen, now):
                return "Failed"
            if podlife.may_restart(pod, seen, ended, now) and not podlife.is_deleting(pod):
                return "Running"
            return "Failed" if code else "Succeeded"
        case podlife.NotStarted() | podlife.Blocked():
            return "Failed" if podlife.is_overdue(pod, now) else "Pending"


def _is_ready(seen: podlife.Seen) -> bool:
    return isinstance(seen.process, podlife.Running) and seen.health.started and seen.health.ready


def _conditions(
    before: list[dict[str, Any]],
    pod: Mapping[str, Any],
    seen: podlife.Seen,
    phase: str,
    now: datetime.datetime,
) -> list[dict[str, Any]]:
    ready = _is_ready(seen)
    detail: dict[str, str] = {}
    if not ready:
        names = ", ".join(c["name"] for c in pod["spec"]["containers"])
        detail = {
            "Succeeded": {"reason": "PodCompleted"},
            "Failed": {"reason": "PodFailed"},
        }.get(
            phase,
            {
                "reason": "ContainersNotReady",
                "message": f"containers with unready status: [{names}]",
            },
        )
    verdicts: tuple[tuple[str, bool, dict[str, str]], ...] = (
        ("PodReadyToStartContainers", not isinstance(seen.process, podlife.NotStarted), {}),
        ("Initialized", True, {}),
        ("Ready", ready, detail),
        ("ContainersReady", ready, detail),
        ("PodScheduled", True, {}),
    )
    old = {condition["type"]: condition for condition in before}
    ours = [_condition(old.get(name), name, now, value, extra) for name, value, extra in verdicts]
    own = {condition["type"] for condition in ours}
    return ours + [condition for condition in before if condition["type"] not in own]


def _condition(
    old: Mapping[str, Any] | None,
    name: str,
    now: datetime.datetime,
    value: bool,
    extra: Mapping[str, str],
) -> dict[str, Any]:
    word = "True" if value else "False"
    flipped = old is None or old["status"] != word
    since = stamps.text(now) if flipped or old is None else old["lastTransitionTime"]
    return {"type": name, "status": word, "lastTransitionTime": since, **extra}


def _container(pod: Mapping[str, Any], seen: podlife.Seen, phase: str) -> dict[str, Any]:
    container = pod["spec"]["containers"][0]
    result = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": _is_ready(seen),
        "started": isinstance(seen.process, podlife.Running) and seen.health.started,
        "restartCount": seen.restarts,
        "state": _state(seen, phase),
        "lastState": {},
    }
    if not isinstance(seen.process, podlife.NotStarted | podlife.Blocked):
        result["containerID"] = f"process://{pod['metadata']['uid']}/{seen.restarts}"
    if seen.last is not None:
        result["lastState"] = {"terminated": _terminated(seen.last)}
    return result


def _state(seen: podlife.Seen, phase: str) -> dict[str, Any]:
    match seen.process:
        case podlife.NotStarted():
            return {"waiting": {"reason": "ContainerCreating"}}
        case podlife.Blocked(reason=reason, message=message):
            return {"waiting": {"reason": reason, "message": message}}
        case podlife.Running(started_at=started_at):
            return {"running": {"startedAt": stamps.text(started_at)}}
        case podlife.Exited() as ended:
            if phase == "Running":
                return {
                    "waiting": {
                        "reason": "CrashLoopBackOff",
                        "message": f"back-off {podlife.backoff(seen.restarts).seconds}s restarting",
                    }
                }
            return {"terminated": _terminated(ended)}


def _terminated(ended: podlife.Exited) -> dict[str, Any]:
    result = {
        "exitCode": ended.code,
        "reason": "Error" if ended.code else "Completed",
        "startedAt": stamps.text(ended.started_at),
        "finishedAt": stamps.text(ended.finished_at),
    }
    return result | ({"message": ended.message} if ended.message else {})
