"""The life of a pod: what a kubelet does next, and what it reports. Pure.

    Pending --start--> Running --exit 0--> Succeeded
       |                  |  +--exit >0--> Failed
       |                  |--deletion, deadline, failed liveness: SIGTERM, grace, SIGKILL
       +--image or configuration missing: waits with a reason and tries again

`plan` is asked whenever anything changed or its `wake_at` has come. Its actions may be carried
out twice without harm. Only the first container runs. What is reported is `podstatus`' part.
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
    if is_deleting(pod):
        return Plan((Remove(),))
    if is_terminal(pod) or is_overdue(pod, now):
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
    if is_deleting(pod):
        return Plan((Remove(),))
    if not may_restart(pod, seen, ended, now):
        return Plan()
    again_at = ended.finished_at + backoff(seen.restarts)
    if now >= again_at:
        return Plan((Start(),))
    return Plan(wake_at=_earliest(again_at, _deadline(pod)))


def may_restart(pod: Mapping[str, Any], seen: Seen, ended: Exited, now: datetime.datetime) -> bool:
    """Whether the pod's policy lets an ended process start again."""
    if is_terminal(pod) or is_out_of_time(pod, seen, now):
        return False
    policy = pod["spec"]["restartPolicy"]
    return policy == "Always" or (policy == "OnFailure" and ended.code != 0)


def backoff(restarts: int) -> datetime.timedelta:
    """How long a restart waits: not at all at first, then 10 s, doubled up to 5 minutes."""
    seconds = 0 if restarts == 0 else _FIRST_BACKOFF_S * 2 ** min(restarts - 1, 10)
    return datetime.timedelta(seconds=min(seconds, _LONGEST_BACKOFF_S))


def _reason_to_stop(
    pod: Mapping[str, Any], seen: Seen, now: datetime.datetime
) -> StopReason | None:
    if is_deleting(pod):
        return StopReason.DELETED
    if is_overdue(pod, now):
        return StopReason.DEADLINE
    return None if seen.health.alive else StopReason.UNHEALTHY


def _grace_s(pod: Mapping[str, Any]) -> int:
    """Seconds between SIGTERM and SIGKILL; a deletion may shorten them at any time."""
    meta = pod["metadata"]
    if "deletionGracePeriodSeconds" in meta:
        return int(meta["deletionGracePeriodSeconds"])
    return int(pod["spec"].get("terminationGracePeriodSeconds", podspec.DEFAULT_GRACE_S))


def is_deleting(pod: Mapping[str, Any]) -> bool:
    """Whether the pod's deletion has begun."""
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


def is_overdue(pod: Mapping[str, Any], now: datetime.datetime) -> bool:
    """Whether the pod's deadline has passed."""
    deadline = _deadline(pod)
    return deadline is not None and now >= deadline


def is_out_of_time(pod: Mapping[str, Any], seen: Seen, now: datetime.datetime) -> bool:
    """Whether the deadline is why the pod ends."""
    stopped = seen.stopping is not None and seen.stopping.reason is StopReason.DEADLINE
    return stopped or is_overdue(pod, now)


def _earliest(*moments: datetime.datetime | None) -> datetime.datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
