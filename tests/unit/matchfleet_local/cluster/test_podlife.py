"""The kubelet's decisions and reports, as tables and as a life under a virtual clock."""

import dataclasses
import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import podlife, podstatus, stamps
from matchfleet_local.cluster.podlife import (
    Blocked,
    Exited,
    Health,
    Kill,
    NotStarted,
    Plan,
    Remove,
    Running,
    Seen,
    Start,
    Stop,
    Stopping,
    StopReason,
)

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)


def at(seconds: float) -> datetime.datetime:
    return NOW + datetime.timedelta(seconds=seconds)


def a_pod(
    *,
    policy: str = "Never",
    deadline_s: int | None = None,
    started: float | None = None,
    deleting_grace_s: int | None = None,
    phase: str = "Pending",
) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": "p", "uid": "u"}
    if deleting_grace_s is not None:
        meta |= {
            "deletionTimestamp": stamps.text(NOW),
            "deletionGracePeriodSeconds": deleting_grace_s,
        }
    spec: dict[str, Any] = {
        "restartPolicy": policy,
        "terminationGracePeriodSeconds": 30,
        "containers": [{"name": "main", "image": "i"}],
    }
    if deadline_s is not None:
        spec["activeDeadlineSeconds"] = deadline_s
    status: dict[str, Any] = {"phase": phase}
    if started is not None:
        status["startTime"] = stamps.text(at(started))
    return {"metadata": meta, "spec": spec, "status": status}


UP = Seen(process=Running(NOW))
DOWN = Seen(process=Exited(0, NOW, NOW))


@pytest.mark.parametrize(
    ("pod", "seen", "plan"),
    [
        pytest.param(a_pod(), Seen(), Plan((Start(),)), id="a bound pod starts"),
        pytest.param(
            a_pod(deleting_grace_s=30), Seen(), Plan((Remove(),)), id="a deleted one never starts"
        ),
        pytest.param(
            a_pod(deadline_s=5, started=-5), Seen(), Plan(), id="a late one does not start"
        ),
        pytest.param(a_pod(phase="Failed"), Seen(), Plan(), id="an ended one does not start again"),
        pytest.param(
            a_pod(),
            Seen(process=Blocked("R", "m", at(-3))),
            Plan(wake_at=at(7)),
            id="what cannot start waits",
        ),
        pytest.param(
            a_pod(),
            Seen(process=Blocked("R", "m", at(-10))),
            Plan((Start(),)),
            id="and is tried again",
        ),
        pytest.param(a_pod(), UP, Plan(), id="a healthy one runs"),
        pytest.param(
            a_pod(deadline_s=60, started=-10),
            UP,
            Plan(wake_at=at(50)),
            id="until its deadline",
        ),
        pytest.param(
            a_pod(deadline_s=10, started=-10),
            UP,
            Plan((Stop(StopReason.DEADLINE),)),
            id="which stops it",
        ),
        pytest.param(
            a_pod(deleting_grace_s=5),
            UP,
            Plan((Stop(StopReason.DELETED),)),
            id="deletion stops it",
        ),
        pytest.param(
            a_pod(),
            dataclasses.replace(UP, health=Health(alive=False)),
            Plan((Stop(StopReason.UNHEALTHY),)),
            id="failed liveness stops it",
        ),
        pytest.param(
            a_pod(deleting_grace_s=5),
            dataclasses.replace(UP, stopping=Stopping(StopReason.DELETED, at(-4))),
            Plan(wake_at=at(1)),
            id="a stopping one has its grace",
        ),
        pytest.param(
            a_pod(deleting_grace_s=2),
            dataclasses.replace(UP, stopping=Stopping(StopReason.DEADLINE, at(-4))),
            Plan((Kill(),), wake_at=at(1)),
            id="which a deletion may shorten",
        ),
        pytest.param(
            a_pod(),
            dataclasses.replace(UP, stopping=Stopping(StopReason.UNHEALTHY, at(-30))),
            Plan((Kill(),), wake_at=at(1)),
            id="after its grace it is killed",
        ),
        pytest.param(a_pod(), DOWN, Plan(), id="an ended process stays ended"),
        pytest.param(
            a_pod(deleting_grace_s=5), DOWN, Plan((Remove(),)), id="and is removed when deleted"
        ),
        pytest.param(
            a_pod(policy="Always"), DOWN, Plan((Start(),)), id="Always starts again at once"
        ),
        pytest.param(a_pod(policy="OnFailure"), DOWN, Plan(), id="OnFailure not after success"),
        pytest.param(
            a_pod(policy="OnFailure"),
            Seen(process=Exited(1, NOW, NOW), restarts=1),
            Plan(wake_at=at(10)),
            id="OnFailure backs off",
        ),
        pytest.param(
            a_pod(policy="Always"),
            Seen(process=Exited(1, NOW, NOW), restarts=9),
            Plan(wake_at=at(300)),
            id="for five minutes at most",
        ),
        pytest.param(
            a_pod(policy="Always", deadline_s=5, started=-5),
            DOWN,
            Plan(),
            id="nothing restarts after the deadline",
        ),
    ],
)
def test_plans(pod: dict[str, Any], seen: Seen, plan: Plan) -> None:
    assert podlife.plan(pod, seen, NOW) == plan


def ready(status: dict[str, Any]) -> str:
    found = {c["type"]: c["status"] for c in status["conditions"]}
    assert found["Ready"] == found["ContainersReady"]
    return str(found["Ready"])


@pytest.mark.parametrize(
    ("pod", "seen", "phase", "is_ready"),
    [
        (a_pod(), Seen(), "Pending", "False"),
        (a_pod(), Seen(process=Blocked("R", "m", NOW)), "Pending", "False"),
        (a_pod(), UP, "Running", "True"),
        (a_pod(), dataclasses.replace(UP, health=Health(ready=False)), "Running", "False"),
        (a_pod(), dataclasses.replace(UP, health=Health(started=False)), "Running", "False"),
        (a_pod(), DOWN, "Succeeded", "False"),
        (a_pod(), Seen(process=Exited(3, NOW, NOW)), "Failed", "False"),
        (a_pod(policy="Always"), DOWN, "Running", "False"),
        (a_pod(policy="OnFailure"), DOWN, "Succeeded", "False"),
        (a_pod(policy="OnFailure"), Seen(process=Exited(1, NOW, NOW)), "Running", "False"),
        (a_pod(policy="Always", deleting_grace_s=1), DOWN, "Succeeded", "False"),
        (a_pod(deadline_s=1, started=-9), DOWN, "Failed", "False"),
        (a_pod(deadline_s=1, started=-9), UP, "Running", "True"),
        (a_pod(deadline_s=1, started=-9), Seen(), "Failed", "False"),
    ],
)
def test_phases(pod: dict[str, Any], seen: Seen, phase: str, is_ready: str) -> None:
    status = podstatus.status(pod, seen, NOW)
    assert (status["phase"], ready(status)) == (phase, is_ready)


def test_an_end_is_reported_with_code_reason_times_and_message() -> None:
    seen = Seen(process=Exited(137, at(-5), NOW, "result"), address="127.64.0.1")
    status = podstatus.status(a_pod(), seen, NOW)
    assert status["podIP"] == "127.64.0.1"
    assert status["containerStatuses"][0]["state"] == {
        "terminated": {
            "exitCode": 137,
            "reason": "Error",
            "startedAt": "2026-01-01T11:59:55Z",
            "finishedAt": "2026-01-01T12:00:00Z",
            "message": "result",
        }
    }


def test_a_deadline_is_the_reason_of_the_failure_once_the_process_has_ended() -> None:
    pod = a_pod(deadline_s=1, started=-9)
    stopping = dataclasses.replace(UP, stopping=Stopping(StopReason.DEADLINE, NOW))
    assert "reason" not in podstatus.status(pod, stopping, NOW)
    ended = dataclasses.replace(stopping, process=Exited(0, NOW, NOW))
    status = podstatus.status(pod, ended, NOW)
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_condition_keeps_its_time_until_it_flips() -> None:
    pod = a_pod()
    first = podstatus.status(pod, UP, NOW)
    same = podstatus.status({**pod, "status": first}, UP, at(5))
    assert same == first
    unready = dataclasses.replace(UP, health=Health(ready=False))
    flipped = podstatus.status({**pod, "status": first}, unready, at(9))
    times = {c["type"]: c["lastTransitionTime"] for c in flipped["conditions"]}
    assert times["Ready"] == stamps.text(at(9))
    assert times["PodScheduled"] == stamps.text(NOW)


def test_conditions_of_others_and_foreign_fields_stay() -> None:
    pod = a_pod()
    mine = {"type": "matchfleet.dev/Claimed", "status": "True"}
    pod["status"] |= {"conditions": [mine], "qosClass": "Burstable"}
    status = podstatus.status(pod, UP, NOW)
    assert mine in status["conditions"]
    assert status["qosClass"] == "Burstable"


def test_a_final_status_never_changes() -> None:
    pod = a_pod(phase="Succeeded")
    assert podstatus.status(pod, Seen(), NOW) == pod["status"]


def test_a_restart_remembers_the_last_end() -> None:
    last = Exited(1, at(-9), at(-8))
    status = podstatus.status(
        a_pod(policy="Always"), Seen(Running(NOW), restarts=1, last=last), NOW
    )
    (container,) = status["containerStatuses"]
    assert container["restartCount"] == 1
    assert container["lastState"]["terminated"]["exitCode"] == 1


@given(
    grace_s=st.integers(0, 20),
    deadline_s=st.none() | st.integers(1, 20),
    deleted_at=st.none() | st.integers(0, 30),
    unhealthy_at=st.none() | st.integers(0, 30),
    reacts_after_s=st.none() | st.integers(0, 30),
)
def test_whatever_ends_a_pod_its_process_is_gone_within_its_grace(
    grace_s: int,
    deadline_s: int | None,
    deleted_at: int | None,
    unhealthy_at: int | None,
    reacts_after_s: int | None,
) -> None:
    """A process that may ignore SIGTERM, second by second, under all reasons to end."""
    pod = a_pod(deadline_s=deadline_s, started=0)
    pod["spec"]["terminationGracePeriodSeconds"] = grace_s
    seen = UP
    asked = [t for t in (deadline_s, deleted_at, unhealthy_at) if t is not None]
    for second in range(80):
        now = at(second)
        if deleted_at is not None and second >= deleted_at:
            pod["metadata"] |= {
                "deletionTimestamp": stamps.text(now),
                "deletionGracePeriodSeconds": grace_s,
            }
        if unhealthy_at is not None and second >= unhealthy_at:
            seen = dataclasses.replace(seen, health=Health(alive=False))
        for _ in range(3):
            plan = podlife.plan(pod, seen, now)
            for action in plan.actions:
                if isinstance(action, Stop):
                    seen = dataclasses.replace(seen, stopping=Stopping(action.reason, now))
                elif isinstance(action, Kill):
                    seen = dataclasses.replace(seen, process=Exited(137, NOW, now))
        if reacts_after_s is not None and seen.stopping is not None:
            reacts_at = seen.stopping.since + datetime.timedelta(seconds=reacts_after_s)
            if isinstance(seen.process, Running) and now >= reacts_at:
                seen = dataclasses.replace(seen, process=Exited(0, NOW, now))
        pod["status"] = podstatus.status(pod, seen, now)
    if asked:
        assert isinstance(seen.process, Exited)
        assert seen.process.finished_at <= at(min(asked) + grace_s)
        assert pod["status"]["phase"] in {"Succeeded", "Failed"}
    else:
        assert pod["status"]["phase"] == "Running"


def test_a_pod_never_started_is_still_not_started() -> None:
    assert podstatus.status(a_pod(), Seen(process=NotStarted()), NOW)["containerStatuses"][0][
        "state"
    ] == {"waiting": {"reason": "ContainerCreating"}}
