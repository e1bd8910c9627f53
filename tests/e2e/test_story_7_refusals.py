"""A malformed Match or Fleet is refused by the API server, with what to change."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import stage as stages

pytestmark = [pytest.mark.local, pytest.mark.kind]

MATCH: dict[str, Any] = {
    "apiVersion": "matchfleet.dev/v1alpha1",
    "kind": "Match",
    "metadata": {"name": "malformed"},
    "spec": {
        "game": "airhockey",
        "mode": "blitz",
        "region": "eu",
        "fleets": ["airhockey-eu"],
        "players": [{"seat": 0, "kind": "Bot"}, {"seat": 1, "kind": "Bot"}],
    },
}
FLEET: dict[str, Any] = {
    "apiVersion": "matchfleet.dev/v1alpha1",
    "kind": "Fleet",
    "metadata": {"name": "malformed"},
    "spec": {
        "game": "airhockey",
        "region": "eu",
        "warm": 0,
        "max": 2,
        "expose": {"type": "PodIP"},
        "template": {"spec": {"containers": [{"name": "game", "image": "game"}]}},
    },
}
REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (MATCH, {"fleets": []}, "spec.fleets"),
    (MATCH, {"game": "Air Hockey"}, "spec.game"),
    (MATCH, {"players": [{"seat": 0, "kind": "Human"}]}, "a Human needs an id"),
    (MATCH, {"players": [{"seat": 0, "kind": "Bot"}, {"seat": 0, "kind": "Bot"}]}, "Duplicate"),
    (FLEET, {"warm": 3}, "warm (idle servers wanted) cannot be more than max"),
    (FLEET, {"expose": {"type": "HostPort"}}, "a HostPort Fleet needs hostPorts"),
    (
        FLEET,
        {"template": {"spec": {"containers": [{"name": "main", "image": "game"}]}}},
        "the template needs one container named game",
    ),
]


@pytest.mark.parametrize(
    ("whole", "change", "reason"),
    REFUSALS,
    ids=[
        "no-fleets",
        "game-name",
        "human-without-id",
        "seat-twice",
        "warm-above-max",
        "no-host-ports",
        "no-game-container",
    ],
)
async def test_a_malformed_resource_is_refused_with_its_reason(
    stage: stages.Stage,
    tmp_path: Path,
    whole: dict[str, Any],
    change: dict[str, Any],
    reason: str,
) -> None:
    malformed = copy.deepcopy(whole)
    malformed["spec"] |= change
    path = tmp_path / "malformed.json"
    path.write_text(json.dumps(malformed), encoding="utf-8")
    kind = malformed["kind"].lower()

    done = await stage.install.kubectl("apply", "-f", str(path), check=False)
    assert done.code != 0
    assert reason in done.err, done.err
    there = await stage.install.kubectl("get", kind, "malformed", check=False)
    assert "NotFound" in there.err


@pytest.mark.parametrize("whole", [MATCH, FLEET], ids=["match", "fleet"])
async def test_what_the_malformed_ones_are_made_of_is_accepted(
    stage: stages.Stage, tmp_path: Path, whole: dict[str, Any]
) -> None:
    path = tmp_path / "well-formed.json"
    path.write_text(json.dumps(whole), encoding="utf-8")
    await stage.install.kubectl("apply", "--dry-run=server", "-f", str(path))
    await stage.audit_is_clean()
