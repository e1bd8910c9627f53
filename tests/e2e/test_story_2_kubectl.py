"""A platform engineer applies a Match by hand and watches it with nothing but kubectl."""

from pathlib import Path

import pytest
import stage as stages

pytestmark = [pytest.mark.local, pytest.mark.kind]
EXAMPLE = Path(__file__).parents[2] / "crds" / "examples" / "match.yaml"
NAME = "match/example"


async def test_a_match_of_bots_is_applied_watched_and_completes(stage: stages.Stage) -> None:
    kubectl = stage.install.kubectl
    await kubectl("delete", NAME, "--ignore-not-found", "--wait", "--timeout=60s")
    await kubectl("apply", "-f", str(EXAMPLE))
    await kubectl("wait", "--for=condition=Ready", NAME, "--timeout=60s")

    table = (await kubectl("get", "matches", "example")).out.splitlines()
    columns = table[0].split()
    assert [c for c in columns if c in {"PHASE", "PLAYERS", "ADDRESS", "AGE"}] == [
        "PHASE",
        "PLAYERS",
        "ADDRESS",
        "AGE",
    ]
    assert " Ready " in table[1]
    assert "ws://" in table[1]

    await kubectl("wait", "--for=jsonpath={.status.phase}=Completed", NAME, "--timeout=90s")
    await kubectl("wait", "--for=condition=ResultPublished", NAME, "--timeout=30s")
    match = (await kubectl("get", NAME, "-o", "json")).json()
    assert match["status"]["result"]["ticks"] == 20 * 60
    assert [s["bot"] for s in match["status"]["result"]["standings"]] == [True, True]
    rows = await stage.install.sql(
        f"SELECT count(*) FROM matches WHERE uid = '{match['metadata']['uid']}'"  # noqa: S608
    )
    assert rows == [["0"]], "a Match applied by hand has no row, and never rates"
    await kubectl("delete", NAME, "--wait", "--timeout=60s")
    await stage.audit_is_clean()
