"""What the fault plans are judged by sees what it should: each truth, broken on purpose."""

import dataclasses
from typing import Any

import pytest
from chaos import truths
from chaos.observer import Observer, Seen
from chaos.stories import Left, Teller

from matchfleet_contracts import results
from matchfleet_contracts.events import EndedAs
from matchfleet_operator.planning import ends
from matchfleet_operator.testing import builders

UID = "match-1"
LEFT = Left(phases={"m1": "Completed"}, idle={"eu": 0})


class _Game:
    playing: dict[str, str] = {"pod-1": UID}  # noqa: RUF012


class _Bench:
    game = _Game()


def a_match(version: int, phase: str, server: str = "pod-1") -> Seen:
    status: dict[str, Any] = {"phase": phase, "server": {"podUID": server}}
    meta = {"name": "m1", "uid": UID, "resourceVersion": str(version)}
    return Seen(version, "matches", "MODIFIED", {"metadata": meta, "status": status})


def a_pod(version: int, uid: str, **meta: Any) -> Seen:
    found = {"metadata": {"name": uid, "uid": uid, **meta}, "status": {"phase": "Running"}}
    return Seen(version, "pods", "MODIFIED", found)


def an_end(**changes: Any):
    seen = builders.a_match("m1", uid=UID)
    result = builders.a_result("x", match_uid=UID)
    end = ends.End(ended_as=EndedAs.COMPLETED, at=builders.at(9), result=result)
    return ends.event(ends.claim_of(seen), dataclasses.replace(end, **changes))


def broken(history: list[Seen], published: list[Any]) -> list[str]:
    observer = Observer(_Bench())  # type: ignore[arg-type]
    observer.history = history
    tell = Teller(_Bench(), observer, stage=lambda _: None)  # type: ignore[arg-type,return-value]
    tell.uids["m1"] = UID
    tell.played[UID] = results.encode(builders.a_result("x", match_uid=UID)).decode()
    return list(truths.broken(observer, tell, LEFT, published))


WELL = [a_pod(1, "pod-1"), a_match(2, "Assigned"), a_match(3, "Ready"), a_match(4, "Completed")]


def test_a_match_that_went_well_breaks_nothing():
    assert broken(WELL, [an_end(), an_end()]) == []


@pytest.mark.parametrize(
    ("history", "published", "why"),
    [
        ([*WELL, a_match(5, "Failed")], [an_end()], "I5: m1 ended as Completed"),
        ([*WELL[:3], a_match(5, "Completed", "pod-2")], [an_end()], "I6: m1 was Ready on pod-1"),
        ([a_match(3, "Ready", "pod-9"), WELL[3]], [an_end()], "its server did not agree"),
        (WELL, [], "I1: nobody was told"),
        (WELL, [an_end(), an_end(at=builders.at(10))], "told in several ways"),
        (WELL, [an_end(ended_as=EndedAs.FAILED, result=None)], "was told as failed"),
        (WELL, [an_end(result=builders.a_result("y", match_uid=UID, ticks=7))], "I1: the result"),
    ],
)
def test_a_truth_that_is_broken_is_told(history, published, why):
    found = broken(history, published)
    assert any(why in problem for problem in found), found


def test_two_servers_that_play_one_match_are_told(monkeypatch):
    monkeypatch.setattr(_Game, "playing", {"pod-1": UID, "pod-2": UID})
    both = [*WELL[:3], a_pod(4, "pod-2")]
    assert any("I6" in problem for problem in broken(both, [an_end()]))
    leaving = [*WELL[:3], a_pod(4, "pod-2", deletionTimestamp="2026-01-01T00:00:00Z")]
    assert not any("I6" in problem for problem in broken(leaving, [an_end()]))
