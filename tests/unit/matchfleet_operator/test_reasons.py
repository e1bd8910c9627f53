"""Every reason for which a match may end is reached, put in words, and explained."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from matchfleet_contracts import results
from matchfleet_contracts.events import MatchEnded
from matchfleet_contracts.resources import Reason
from matchfleet_operator.acting import kube
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.rig import Rig

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "match-states.md"


def ready(**fleet: Any) -> tuple[Rig, str]:
    rig = Rig()
    rig.apply_fleet(**fleet)
    return rig, rig.ready_match()


def void(reason: Reason) -> Callable[[], Rig]:
    """The server ends the match itself and says why."""

    def scenario() -> Rig:
        rig, server = ready()
        uid = rig.match()["metadata"]["uid"]
        told = msgspec.structs.replace(
            builders.a_void_result(reason), match_uid=uid, message="what the server says"
        )
        rig.api.end_pod(server, message=results.encode(told).decode())
        return rig

    return scenario


def no_capacity() -> Rig:
    rig = Rig()
    rig.apply_fleet(most=1)
    rig.ready_match("other")
    rig.apply_match()
    rig.settle()
    for _ in range(30):
        rig.pass_s(2)
    return rig


def assign_timeout() -> Rig:
    rig = Rig()
    rig.apply_fleet()
    rig.apply_match()
    rig.settle()
    rig.pass_s(60)
    return rig


def too_late() -> Rig:
    rig = Rig()
    rig.apply_fleet()
    rig.apply_match(notAfter="2026-05-04T11:59:59Z")
    return rig


def fleet_gone() -> Rig:
    rig = Rig()
    rig.apply_match()
    rig.settle()
    rig.pass_s(60)
    return rig


def timed_out() -> Rig:
    rig, server = ready()
    rig.pass_s(30 + 300 + 20 + 31)
    rig.api.end_pod(server, exit_code=137)
    return rig


def server_lost() -> Rig:
    rig, server = ready()
    rig.api.end_pod(server, exit_code=1, reason="Error")
    return rig


def node_lost() -> Rig:
    rig, server = ready()
    rig.api.begin_deletion(kube.PODS, server)
    rig.settle()
    rig.pass_s(30)
    rig.pass_s(15)
    return rig


def evicted() -> Rig:
    rig, server = ready()
    rig.api.change(kube.PODS, server, {"status": {"reason": "Evicted", "message": "low on memory"}})
    rig.api.end_pod(server, exit_code=137, reason="Error")
    return rig


def result_invalid() -> Rig:
    rig, server = ready()
    rig.api.end_pod(server, message="{half a result")
    return rig


def cancelled() -> Rig:
    rig, server = ready()
    rig.api.change(kube.MATCHES, "m1", {"spec": {"desired": "Cancel"}})
    rig.settle()
    rig.api.end_pod(server, exit_code=143)
    return rig


def deleted() -> Rig:
    rig, server = ready()
    rig.api.begin_deletion(kube.MATCHES, "m1")
    rig.settle()
    rig.api.end_pod(server, exit_code=143)
    return rig


SCENARIOS: dict[Reason, Callable[[], Rig]] = {
    Reason.NO_CAPACITY: no_capacity,
    Reason.ASSIGN_TIMEOUT: assign_timeout,
    Reason.TOO_LATE: too_late,
    Reason.FLEET_GONE: fleet_gone,
    Reason.JOIN_TIMEOUT: void(Reason.JOIN_TIMEOUT),
    Reason.TIMED_OUT: timed_out,
    Reason.TICK_STALLED: void(Reason.TICK_STALLED),
    Reason.GAME_FAILED: void(Reason.GAME_FAILED),
    Reason.SERVER_LOST: server_lost,
    Reason.NODE_LOST: node_lost,
    Reason.EVICTED: evicted,
    Reason.DRAINED: void(Reason.DRAINED),
    Reason.RESULT_INVALID: result_invalid,
    Reason.CANCELLED: cancelled,
    Reason.DELETED: deleted,
}
WORDS = {
    Reason.NO_CAPACITY: "every server is taken: eu (max 1)",
    Reason.ASSIGN_TIMEOUT: "no server became idle in time",
    Reason.TOO_LATE: "spec.notAfter has passed without a server",
    Reason.FLEET_GONE: "its fleets are not there: eu",
    Reason.TIMED_OUT: "the server did not end the match in its time",
    Reason.SERVER_LOST: "the server exited with code 1 and left no result",
    Reason.NODE_LOST: "its node does not say how it ended",
    Reason.EVICTED: "low on memory",
    Reason.RESULT_INVALID: "the server's result cannot be read",
    Reason.CANCELLED: "the match was called off",
    Reason.DELETED: "the Match was deleted",
}


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_reason_is_reached_and_told_in_words(reason):
    rig = SCENARIOS[reason]()
    rig.settle()
    ends = [e.data for e in rig.publisher.published if isinstance(e.data, MatchEnded)]
    (end,) = [e for e in ends if e.match == "m1"]
    assert end.reason == reason
    assert WORDS.get(reason, "what the server says") in end.message
    if reason is not Reason.DELETED:
        assert rig.match()["status"]["reason"] == reason
        assert rig.match()["status"]["message"] == end.message


def test_every_reason_is_explained_with_what_to_do():
    rows = re.findall(r"^\| `(\w+)` \|(.+)\|(.+)\|$", GUIDE.read_text(), flags=re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(Reason)
    assert all(happened.strip() and todo.strip() for _, happened, todo in rows)
