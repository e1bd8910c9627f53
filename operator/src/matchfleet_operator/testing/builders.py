"""Matches, Fleets and servers with defaults: a test names only what it is about."""

import datetime
from typing import Any

from matchfleet_contracts import results
from matchfleet_contracts.ids import FleetName, MatchName, MatchUid, PodName, PodUid
from matchfleet_contracts.resources import (
    FINALIZER_RESULT,
    Condition,
    ExposeType,
    Limits,
    MatchSpec,
    Phase,
    PlayerKind,
    Reason,
    RosterEntry,
    Server,
)
from matchfleet_contracts.results import Outcome, Result, Standing
from matchfleet_operator.planning.seen import (
    Claim,
    Expose,
    FleetPort,
    FleetSeen,
    FleetStatus,
    GoneMatch,
    MatchSeen,
    MatchStatus,
    PodSeen,
    RevisionSeen,
    Terminated,
    Times,
)

START = datetime.datetime(2026, 5, 4, 12, 0, 0, tzinfo=datetime.UTC)
TWO_BOTS = [
    RosterEntry(seat=0, kind=PlayerKind.BOT),
    RosterEntry(seat=1, team=1, kind=PlayerKind.BOT),
]


def at(seconds: float) -> datetime.datetime:
    """So many seconds after START."""
    return START + datetime.timedelta(seconds=seconds)


def a_spec(**changes: Any) -> MatchSpec:
    """A friendly match of two bots in one Fleet; 60 s to assign, 30 to join, 300 to play."""
    values: dict[str, Any] = {
        "game": "airhockey",
        "mode": "blitz",
        "region": "eu",
        "fleets": ["eu"],
        "players": TWO_BOTS,
        "limits": Limits(assign_seconds=60, join_seconds=30, max_seconds=300),
        "ttl_seconds_after_finished": 600,
    }
    return MatchSpec(**(values | changes))


def a_match(name: str = "m1", **changes: Any) -> MatchSeen:
    """A Match that was created at START and waits."""
    values: dict[str, Any] = {
        "name": MatchName(name),
        "uid": MatchUid(f"uid-{name}"),
        "version": 1,
        "generation": 1,
        "created": START,
        "deleting": False,
        "spec": a_spec(),
        "status": MatchStatus(),
    }
    return MatchSeen(**(values | changes))


def an_assigned_match(name: str = "m1", pod: str = "p1", **changes: Any) -> MatchSeen:
    """A Match that chose a server one second after START."""
    status = MatchStatus(
        phase=Phase.ASSIGNED,
        players="2 bots",
        server=Server(pod=pod, pod_uid=f"uid-{pod}"),
        times=Times(assigned=at(1)),
    )
    return a_match(name, **({"status": status} | changes))


def a_ready_match(name: str = "m1", pod: str = "p1", **changes: Any) -> MatchSeen:
    """A Match that is Ready since two seconds after START."""
    status = MatchStatus(
        phase=Phase.READY,
        players="2 bots",
        server=Server(pod=pod, pod_uid=f"uid-{pod}", address="10.0.0.9", port=7777, url="ws://x"),
        times=Times(assigned=at(1), ready=at(2)),
    )
    return a_match(name, **({"status": status} | changes))


def an_ended_match(
    phase: Phase = Phase.FAILED, *, published: bool, name: str = "m1", **changes: Any
) -> MatchSeen:
    """A Match that ended ten seconds after START."""
    said = Condition(
        type="ResultPublished",
        status="True" if published else "False",
        reason="Published" if published else "Publishing",
        message="",
        last_transition_time="2026-05-04T12:00:10.000000Z",
    )
    status = MatchStatus(
        phase=phase,
        players="2 bots",
        server=Server(pod="p1", pod_uid="uid-p1"),
        times=Times(assigned=at(1), ready=at(2), ended=at(10)),
        reason="" if phase is Phase.COMPLETED else Reason.SERVER_LOST,
        message="" if phase is Phase.COMPLETED else "the server exited with code 1",
        conditions=(said,),
    )
    return a_match(name, **({"status": status} | changes))


def a_gone_match(name: str = "m1", last: MatchSeen | None = None) -> GoneMatch:
    """A Match that does not exist any more, deleted as it was last."""
    uid = MatchUid(f"uid-{name}")
    return GoneMatch(name=MatchName(name), uid=uid, last=last, is_final=last is not None)


def a_claim(match: str = "m1") -> Claim:
    """The claim of a Match made by `a_match`."""
    return Claim(
        match=MatchName(match),
        match_uid=MatchUid(f"uid-{match}"),
        game="airhockey",
        mode="blitz",
        region="eu",
        humans=0,
        bots=2,
    )


def a_pod(name: str = "p1", **changes: Any) -> PodSeen:
    """An idle server of the Fleet `eu`, ready and waiting."""
    values: dict[str, Any] = {
        "name": PodName(name),
        "uid": PodUid(f"uid-{name}"),
        "version": 1,
        "fleet": FleetName("eu"),
        "fleet_uid": "uid-eu",
        "created": START,
        "started": START,
        "phase": "Running",
        "ready": True,
        "node": "n1",
        "ip": "10.0.0.9",
        "host_ip": "192.168.0.1",
        "revision": "r1",
    }
    return PodSeen(**(values | changes))


def a_claimed_pod(name: str = "p1", match: str = "m1", **changes: Any) -> PodSeen:
    """A server that plays a match."""
    values: dict[str, Any] = {
        "claim": a_claim(match),
        "fleet_uid": "",
        "finalizers": (FINALIZER_RESULT,),
    }
    return a_pod(name, **(values | changes))


def an_ended_pod(
    message: str = "",
    *,
    exit_code: int = 0,
    reason: str = "Completed",
    ended_at: datetime.datetime | None = None,
    **changes: Any,
) -> PodSeen:
    """A server that played a match and ended, leaving this termination message."""
    ended = Terminated(exit_code=exit_code, reason=reason, message=message, at=ended_at or at(10))
    values: dict[str, Any] = {
        "phase": "Succeeded" if exit_code == 0 else "Failed",
        "ready": False,
        "unready_since": ended_at or at(10),
        "terminated": ended,
    }
    return a_claimed_pod(**(values | changes))


def a_result(match: str = "m1", **changes: Any) -> Result:
    """A completed match of two seats."""
    values: dict[str, Any] = {
        "match_uid": f"uid-{match}",
        "outcome": Outcome.COMPLETED,
        "standings": [
            Standing(seat=0, rank=1, score=3),
            Standing(seat=1, rank=2, score=1, team=1),
        ],
        "ticks": 1200,
        "tick_hz": 60,
        "achieved_hz": 59.9,
        "late_ticks": 2,
    }
    return Result(**(values | changes))


def a_void_result(reason: Reason, match: str = "m1") -> Result:
    """A match that its server called off."""
    return a_result(
        match, outcome=Outcome.VOID, standings=[], ticks=0, late_ticks=0, reason=reason, message="x"
    )


def a_message(result: Result | None = None) -> str:
    """A termination message that holds this result."""
    return results.encode(result or a_result()).decode()


def a_fleet(name: str = "eu", **changes: Any) -> FleetSeen:
    """A Fleet with no warm servers and room for ten, whose players reach the pods themselves."""
    values: dict[str, Any] = {
        "name": FleetName(name),
        "uid": f"uid-{name}",
        "version": 1,
        "generation": 1,
        "deleting": False,
        "game": "airhockey",
        "region": "eu",
        "warm": 0,
        "max": 10,
        "drain_s": 20,
        "ports": (FleetPort(name="game", container_port=7777),),
        "control_port": 7778,
        "expose": Expose(type=ExposeType.POD_IP),
        "revision": "r1",
        "template": {"spec": {"containers": [{"name": "game", "image": "g:1"}]}},
        "status": FleetStatus(),
    }
    return FleetSeen(**(values | changes))


def a_revision(revision: str = "r1", number: int = 1, **changes: Any) -> RevisionSeen:
    """A ControllerRevision of the Fleet `eu`, whose servers have the image `g:<number>`."""
    values: dict[str, Any] = {
        "name": f"eu-{revision}",
        "uid": f"uid-eu-{revision}",
        "version": 1,
        "fleet": FleetName("eu"),
        "fleet_uid": "uid-eu",
        "revision": revision,
        "number": number,
        "made": {"template": {"spec": {"containers": [{"name": "game", "image": f"g:{number}"}]}}},
    }
    return RevisionSeen(**(values | changes))
