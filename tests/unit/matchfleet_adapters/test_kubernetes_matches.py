import msgspec
import pytest

from matchfleet_adapters.kubernetes import matches
from matchfleet_contracts import resources, results

RAW = {
    "metadata": {
        "name": "m-1",
        "uid": "u-1",
        "resourceVersion": "5",
        "creationTimestamp": "2026-01-31T12:00:00Z",
        "annotations": {resources.ANNOTATION_ORIGIN: "api"},
    },
    "spec": {"game": "airhockey"},
}
RESULT = results.Result(
    match_uid="u-1",
    outcome=results.Outcome.COMPLETED,
    standings=[results.Standing(seat=0, rank=1, score=1)],
    ticks=10,
    tick_hz=60,
    achieved_hz=60.0,
    late_ticks=0,
)


def test_a_new_match_is_pending():
    found = matches.decode_match(RAW)
    assert found.phase is resources.Phase.PENDING
    assert found.is_ours
    assert found.server is None
    assert found.ended_s is None


def test_an_ended_match_carries_its_server_and_result():
    status = {
        "phase": "Completed",
        "server": {"pod": "p", "podUID": "pu", "url": "ws://a:1"},
        "times": {"ended": "2026-01-31T12:01:00Z"},
        "result": msgspec.to_builtins(RESULT),
    }
    found = matches.decode_match(RAW | {"status": status})
    assert found.server.pod_uid == "pu"
    assert found.result == RESULT
    assert found.ended_s - found.created_s == 60


def test_a_result_that_is_none_is_not_read():
    found = matches.decode_match(RAW | {"status": {"phase": "Completed", "result": {"x": 1}}})
    assert found.result is None


def a_pod(**changes):
    metadata = {
        "name": "p",
        "uid": "pu",
        "labels": {resources.LABEL_FLEET: "f", resources.LABEL_STATE: "busy"},
    }
    return {
        "metadata": metadata | changes.pop("metadata", {}),
        "spec": {"activeDeadlineSeconds": 90},
        "status": {"phase": "Running", "startTime": "2026-01-31T12:00:00Z"} | changes,
    }


@pytest.mark.parametrize(
    ("pod", "is_live"),
    [
        (a_pod(), True),
        (a_pod(metadata={"deletionTimestamp": "2026-01-31T12:00:30Z"}), False),
        (a_pod(phase="Succeeded"), False),
        (
            a_pod(containerStatuses=[{"name": "game", "state": {"terminated": {"exitCode": 0}}}]),
            False,
        ),
        (a_pod(containerStatuses=[{"name": "game", "state": {"running": {}}}]), True),
    ],
)
def test_a_server_that_ended_or_is_ending_is_not_live(pod, is_live):
    found = matches.decode_server(pod)
    assert found.is_live is is_live
    assert found.is_busy


def test_a_servers_deadline_counts_from_its_start():
    found = matches.decode_server(a_pod())
    assert found.deadline_s == matches.decode_match(RAW).created_s + 90
