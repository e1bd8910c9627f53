"""Builders of queues, tickets, matches and pods with defaults, for matchmaker and audit tests."""

import datetime
import itertools
from typing import Any

import msgspec

from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import matches
from matchfleet_api.matchmaking import pairing, queues
from matchfleet_contracts import ids, resources, results
from matchfleet_contracts.ids import (
    MatchId,
    MatchName,
    MatchUid,
    PlayerId,
    PodName,
    PodUid,
    TicketId,
)

NOW = datetime.datetime(2026, 1, 31, 12, 0, 0, tzinfo=datetime.UTC)
MATCH = MatchId("01a20fb5-0000-7000-8000-000000000001")
_count = itertools.count(1)

QUEUE_ENTRY: dict[str, Any] = {
    "game": "airhockey",
    "mode": "blitz",
    "regions": {"eu": ["airhockey-eu"], "us": ["airhockey-us"]},
    "teams": 2,
    "team_size": 1,
    "ranked": True,
    "config": {"durationSeconds": 20},
    "window": {"start": 100, "per_second": 20, "max": 800},
    "rtt_cap_ms": 200,
    "bot_after_s": 20,
    "bot": "medium",
    "ticket_ttl_s": 300,
    "limits": {"assignSeconds": 60, "joinSeconds": 30, "maxSeconds": 300},
}


def a_queue(**changes: Any) -> queues.Queue:
    """A queue as its file would describe it."""
    entry = QUEUE_ENTRY | changes
    found = queues.parse(msgspec.json.encode({"queues": [entry]}))
    return found[entry["game"], entry["mode"]]


def later(seconds: float) -> datetime.datetime:
    """`seconds` after NOW."""
    return NOW + datetime.timedelta(seconds=seconds)


def a_candidate(name: str | None = None, **changes: Any) -> pairing.Candidate:
    """A waiting ticket; `waited_s` sets how long it waits at NOW."""
    number = next(_count)
    waited_s = changes.pop("waited_s", 0.0)
    values: dict[str, Any] = {
        "ticket": TicketId(name or f"t{number:04d}"),
        "player": PlayerId(f"p-{name or number}"),
        "rating": 1500,
        "rtt_ms": {"eu": 20, "us": 120},
        "queued_at": later(-waited_s),
        "avoid_region": None,
    }
    return pairing.Candidate(**(values | changes))


def a_row(**changes: Any) -> matches.Match:
    """A match's row, requested at NOW."""
    spec = {
        "game": "airhockey",
        "mode": "blitz",
        "region": "eu",
        "fleets": ["airhockey-eu"],
        "players": [
            {"seat": 0, "kind": "Human", "id": "p0"},
            {"seat": 1, "kind": "Bot", "team": 1},
        ],
    }
    values: dict[str, Any] = {
        "id": MATCH,
        "game": "airhockey",
        "mode": "blitz",
        "region": "eu",
        "ranked": True,
        "state": matches.MatchState.CREATED,
        "uid": MatchUid("uid-1"),
        "pod_uid": None,
        "url": None,
        "reason": None,
        "message": None,
        "result": None,
        "spec": spec,
        "spec_digest": resources.spec_digest(spec),
        "requested_at": NOW,
        "not_after": later(60),
        "created_at": NOW,
        "ready_at": None,
        "ended_at": None,
    }
    return matches.Match(**(values | changes))


def a_resource(**changes: Any) -> kube.MatchResource:
    """The resource of `a_row`, Pending."""
    values: dict[str, Any] = {
        "name": ids.match_name(MATCH),
        "uid": MatchUid("uid-1"),
        "resource_version": "7",
        "created_s": NOW.timestamp(),
        "spec": a_row().spec,
        "annotations": {resources.ANNOTATION_ORIGIN: resources.ORIGIN_API},
        "phase": resources.Phase.PENDING,
    }
    return kube.MatchResource(**(values | changes))


def a_result(match_uid: str = "uid-1", **changes: Any) -> results.Result:
    """A completed result that seat 0 won."""
    values: dict[str, Any] = {
        "match_uid": match_uid,
        "outcome": results.Outcome.COMPLETED,
        "standings": [
            results.Standing(seat=0, rank=1, score=3),
            results.Standing(seat=1, rank=2, score=1, team=1),
        ],
        "ticks": 1200,
        "tick_hz": 60,
        "achieved_hz": 60.0,
        "late_ticks": 0,
    }
    return results.Result(**(values | changes))


def a_pod(name: str = "airhockey-eu-aaaaa", **changes: Any) -> kube.ServerPod:
    """A live pod that was claimed for `a_row`'s match."""
    values: dict[str, Any] = {
        "name": PodName(name),
        "uid": PodUid(f"uid-{name}"),
        "fleet": "airhockey-eu",
        "is_busy": True,
        "is_live": True,
        "match": MatchName(ids.match_name(MATCH)),
        "match_uid": MatchUid("uid-1"),
        "deadline_s": None,
    }
    return kube.ServerPod(**(values | changes))
