"""The life of a pod: what a kubelet does next, and what it reports. Pure.

    Pending --start--> Running --exit 0--> Succeeded
       |                  |  \\--exit >0--> Failed
       |                  |--deletion, deadline, failed liveness: SIGTERM, grace, SIGKILL
       \\--image or configuration missing: waits with a reason and tries again

`plan` is asked whenever anything changed or its `wake_at` has come. Its actions may be carried
out twice without harm. `status` is what the pod's status must then be; an unchanged status is
equal to the old one, so that nothing is written for nothing.

Only the first container runs. The terminal phase is reported once its process has ended, never
before: whoever reads Failed may rely on the port being free.
"""

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchfleet_local.cluster import podspec, stamps

RETRY_AFTER = datetime.timedelta(seconds=10)
KILL_AGAIN_AFTER = datetime.timedelta(seconds=1)
_FIRST_BACKOFF_S = 10
_LONGEST_BACKOFF_S = 300
DEADLINE_REASON = "DeadlineExceeded"
DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


class StopReason(enum.StrEnum):
    """Why a running process is being ended."""

    DELETED = "deleted"
    DEADLINE = "deadline"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class NotStarted:
    """No process yet, and nothing known against starting one."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The process cannot be started now.

    Attributes:
        reason: the waiting reason of the API, such as `CreateContainerError`.
    """

    reason: str
    message: str
    since: datetime.datetime


@dataclass(frozen=True, slots=True)
class Running:
    """A process is alive."""

    started_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended.

    Attributes:
        code: its exit code; 128 + n after signal n, as container runtimes report it.
        message: the content of its termination file.
    """

    code: int
    started_at: datetime.datetime
    finished_at: datetime.datetime
    message: str = ""


Process = NotStarted | Blocked | Running | Exited


@dataclass(frozen=True, slots=True)
class Health:
    """The verdicts of the probes; a probe that a container does not have says True."""

    started: bool = True
    ready: bool = True
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Stopping:
    """SIGTERM was sent."""

    reason: StopReason
    since: datetime.datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything the kubelet knows of a pod besides its object."""

    process: Process = NotStarted()
    health: Health = Health()
    stopping: Stopping | None = None
    restarts: int = 0
    last: Exited | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Start the process."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Send SIGTERM."""

    reason: StopReason


@dataclass(frozen=True, slots=True)
class Kill:
    """Send SIGKILL."""


@dataclass(frozen=True, slots=True)
class Remove:
    """Tell the API that the pod's process is gone: delete it with no grace."""


Action = Start | Stop | Kill | Remove


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now, and when to ask again if nothing happens."""

    actions: tuple[Action, ...] = ()
    wake_at: datetime.datetime | None = None


def plan(pod: Mapping[str, Any], seen: Seen, now: datetime.datetime) -> Plan:
    """The next actions for a pod that is bound to this node."""
    match seen.process:
        case Running():
            return _plan_running(pod, seen, now)
        case Exited() as ended:
            return _plan_exited(pod, seen, ended, now)
        case Blocked(since=since):
            return _plan_waiting(pod, now, not_before=since + RETRY_AFTER)
        case NotStarted():
            return _plan_waiting(pod, now, not_before=now)


def _plan_waiting(
    pod: Mapping[str, Any], now: datetime.datetime, *, not_before: datetime.datetime
) -> Plan:
    if _is_deleting(pod):
        return Plan((Remove(),))
    if is_terminal(pod) or _is_overdue(pod, now):
        return Plan()
    if now >= not_before:
        return Plan((Start(),))
    return Plan(wake_at=_earliest(not_before, _deadline(pod)))


def _plan_running(pod: Mapping[str, Any], seen: Seen, now: datetime.datetime) -> Plan:
    if seen.stopping is None:
        reason = _reason_to_stop(pod, seen, now)
        if reason is not None:
            return Plan((Stop(reason),))
        return Plan(wake_at=_deadline(pod))
    kill_at = seen.stopping.since + datetime.timedelta(seconds=_grace_s(pod))
    if now >= kill_at:
        return Plan((Kill(),), wake_at=now + KILL_AGAIN_AFTER)
    return Plan(wake_at=kill_at)


def _plan_exited(pod: Mapping[str, Any], seen: Seen, ended: Exited, now: datetime.datetime) -> Plan:
    if _is_deleting(pod):
        return Plan((Remove(),))
    if not _may_restart(pod, seen, ended, now):
        return Plan()
    again_at = ended.finished_at + _backoff(seen.restarts)
    if now >= again_at:
        return Plan((Start(),))
    return Plan(wake_at=_earliest(again_at, _deadline(pod)))


def _may_restart(pod: Mapping[str, Any], seen: Seen, ended: Exited, now: datetime.datetime) -> bool:
    if is_terminal(pod) or _is_out_of_time(pod, seen, now):
        return False
    policy = pod["spec"]["restartPolicy"]
    return policy == "Always" or (policy == "OnFailure" and ended.code != 0)


def _backoff(restarts: int) -> datetime.timedelta:
    seconds = 0 if restarts == 0 else _FIRST_BACKOFF_S * 2 ** min(restarts - 1, 10)
    return datetime.timedelta(seconds=min(seconds, _LONGEST_BACKOFF_S))


def _reason_to_stop(
    pod: Mapping[str, Any], seen: Seen, now: datetime.datetime
) -> StopReason | None:
    if _is_deleting(pod):
        return StopReason.DELETED
    if _is_overdue(pod, now):
        return StopReason.DEADLINE
    return None if seen.health.alive else StopReason.UNHEALTHY


def _grace_s(pod: Mapping[str, Any]) -> int:
    """Seconds between SIGTERM and SIGKILL; a deletion may shorten them at any time."""
    meta = pod["metadata"]
    if "deletionGracePeriodSeconds" in meta:
        return int(meta["deletionGracePeriodSeconds"])
    return int(pod["spec"].get("terminationGracePeriodSeconds", podspec.DEFAULT_GRACE_S))


def _is_deleting(pod: Mapping[str, Any]) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def is_terminal(pod: Mapping[str, Any]) -> bool:
    """Whether the pod's stored phase is final."""
    return (pod.get("status") or {}).get("phase") in podspec.TERMINAL_PHASES


def _deadline(pod: Mapping[str, Any]) -> datetime.datetime | None:
    seconds = pod["spec"].get("activeDeadlineSeconds")
    started = (pod.get("status") or {}).get("startTime")
    if seconds is None or not started:
        return None
    return stamps.moment(started) + datetime.timedelta(seconds=int(seconds))


def _is_overdue(pod: Mapping[str, Any], now: datetime.datetime) -> bool:
    deadline = _deadline(pod)
    return deadline is not None and now >= deadline


def _is_out_of_time(pod: Mapping[str, Any], seen: Seen, now: datetime.datetime) -> bool:
    stopped = seen.stopping is not None and seen.stopping.reason is StopReason.DEADLINE
    return stopped or _is_overdue(pod, now)


def _earliest(*moments: datetime.datetime | None) -> datetime.datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


# ---- what is reported -----------------------------------------------------------------------


def status(pod: Mapping[str, Any], seen: Seen, now: datetime.datetime) -> dict[str, Any]:
    """The status the pod must have now."""
    before = pod.get("status") or {}
    if is_terminal(pod):
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
    if phase == "Failed" and _is_out_of_time(pod, seen, now):
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


def _phase(pod: Mapping[str, Any], seen: Seen, now: datetime.datetime) -> str:
    match seen.process:
        case Running():
            return "Running"
        case Exited(code=code) as ended:
            if _is_out_of_time(pod, seen, now):
                return "Failed"
            if _may_restart(pod, seen, ended, now) and not _is_deleting(pod):
                return "Running"
            return "Failed" if code else "Succeeded"
        case NotStarted() | Blocked():
            return "Failed" if _is_overdue(pod, now) else "Pending"


def _is_ready(seen: Seen) -> bool:
    return isinstance(seen.process, Running) and seen.health.started and seen.health.ready


def _conditions(
    before: list[dict[str, Any]],
    pod: Mapping[str, Any],
    seen: Seen,
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
        ("PodReadyToStartContainers", not isinstance(seen.process, NotStarted), {}),
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


def _container(pod: Mapping[str, Any], seen: Seen, phase: str) -> dict[str, Any]:
    container = pod["spec"]["containers"][0]
    result = {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "ready": _is_ready(seen),
        "started": isinstance(seen.process, Running) and seen.health.started,
        "restartCount": seen.restarts,
        "state": _state(seen, phase),
        "lastState": {},
    }
    if not isinstance(seen.process, NotStarted | Blocked):
        result["containerID"] = f"process://{pod['metadata']['uid']}/{seen.restarts}"
    if seen.last is not None:
        result["lastState"] = {"terminated": _terminated(seen.last)}
    return result


def _state(seen: Seen, phase: str) -> dict[str, Any]:
    match seen.process:
        case NotStarted():
            return {"waiting": {"reason": "ContainerCreating"}}
        case Blocked(reason=reason, message=message):
            return {"waiting": {"reason": reason, "message": message}}
        case Running(started_at=started_at):
            return {"running": {"startedAt": stamps.text(started_at)}}
        case Exited() as ended:
            if phase == "Running":
                return {
                    "waiting": {
                        "reason": "CrashLoopBackOff",
                        "message": f"back-off {_backoff(seen.restarts).seconds}s restarting",
                    }
                }
            return {"terminated": _terminated(ended)}


def _terminated(ended: Exited) -> dict[str, Any]:
    result = {
        "exitCode": ended.code,
        "reason": "Error" if ended.code else "Completed",
        "startedAt": stamps.text(ended.started_at),
        "finishedAt": stamps.text(ended.finished_at),
    }
    return result | ({"message": ended.message} if ended.message else {})
