"""A Fleet is rolled out while most of its servers are busy; what is bad is taken back by itself."""

import pytest
import rolling
import stage as stages

# One Fleet, whose name the stories share, so one after the other.
pytestmark = [pytest.mark.kind, pytest.mark.xdist_group("rolling")]
LIVE = [f"rolling-live-{number}" for number in range(7)]
# Long enough for a rollout on a busy machine; the matches must outlive it.
PLAYED_S = 45


@pytest.mark.local
async def test_a_rollout_with_70_percent_busy_replaces_idle_servers_and_ends_no_match(
    stage: stages.Stage,
) -> None:
    async with rolling.fleet(stage.install) as fleet:
        before = (await fleet.status())["revision"]
        await fleet.play(LIVE, seconds=PLAYED_S)
        await fleet.until(
            lambda s: (s["busy"], s["idle"]) == (7, rolling.WARM), what="70 % busy", within_s=60
        )

        await fleet.roll_out(env=[*_env(fleet), {"name": "STORY", "value": "9"}])
        after = await fleet.until(
            lambda s: s["revision"] != before and rolling.newest(s)["idle"] == rolling.WARM,
            what="idle servers of the new revision",
            within_s=60,
        )
        assert after["idle"] == rolling.WARM
        phases = await fleet.phases(LIVE)
        assert set(phases) <= {"Ready", "Completed"}, phases
        assert "Ready" in phases, "the rollout waited for the matches"

        await fleet.until_completed(LIVE, within_s=2 * PLAYED_S)
        await fleet.until(
            lambda s: (
                [r["busy"] + r["idle"] for r in s["revisions"] if r["revision"] == before] == [0]
            ),
            what="the end of the old revision",
            within_s=30,
        )
        # A match on the new revision ends as well as one on the old.
        await fleet.play(["rolling-new"], seconds=5)
        await fleet.until_completed(["rolling-new"], within_s=60)
    await stage.audit_is_clean()


@pytest.mark.parametrize(
    ("container", "deadline_s", "reason"),
    [
        pytest.param(
            {"command": ["sh", "-c", "exit 1"]},
            # Far off: two crashes, with a pause between them, must come first on any machine.
            300,
            "CrashBudgetSpent",
            id="crashes",
            marks=pytest.mark.local,
        ),
        pytest.param(
            {"image": "matchfleet/nowhere:0", "imagePullPolicy": "Never"},
            20,
            "ProgressDeadlineExceeded",
            id="no image",
        ),
    ],
)
async def test_a_bad_revision_costs_no_idle_server_and_is_taken_back(
    stage: stages.Stage, container: dict[str, object], deadline_s: int, reason: str
) -> None:
    async with rolling.fleet(stage.install, deadline_s=deadline_s) as fleet:
        good = (await fleet.status())["revision"]
        await fleet.roll_out(**container)
        await fleet.until(
            lambda s: rolling.newest(s)["revision"] != good, what="the rollout", within_s=20
        )
        # Players notice nothing of it.
        await fleet.play(["rolling-meanwhile"], seconds=5)
        told = await fleet.until(
            lambda s: bool(s.get("blockedRevision")), what="the rollback", within_s=90
        )
        assert told["revision"] == good
        assert told["blockedRevision"] == rolling.newest(told)["revision"]
        degraded = rolling.condition(told, "Degraded")
        assert (degraded["status"], degraded["reason"]) == ("True", reason)
        assert "was given up" in degraded["message"]
        await fleet.until_completed(["rolling-meanwhile"], within_s=60)

        # Until the spec says something else.
        await fleet.roll_out(env=[*_env(fleet), {"name": "STORY", "value": "9b"}])
        healed = await fleet.until(
            lambda s: rolling.newest(s)["idle"] == rolling.WARM and not s.get("blockedRevision"),
            what="the corrected revision",
            within_s=60,
        )
        assert healed["revision"] not in {good, told["blockedRevision"]}
    await stage.audit_is_clean()


def _env(fleet: rolling.Rolling) -> list[dict[str, object]]:
    containers = fleet.template["spec"]["containers"]
    return list(next(c for c in containers if c["name"] == "game").get("env") or ())
