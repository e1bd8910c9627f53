"""The leading operator is killed in a rush, and all is upgraded while matches are played."""

import time
from pathlib import Path

import crowd
import installs_kind
import pytest
import stage as stages

# The operators are everybody's.
pytestmark = [pytest.mark.kind, pytest.mark.alone]
BURST = 50
TAKEN_OVER_S = 15.0
CHART = Path(__file__).parents[2] / "charts" / "matchfleet"


@pytest.fixture
def cluster(stage: stages.Stage) -> installs_kind.KindInstall:
    """The install, whose operators a story may kill."""
    assert isinstance(stage.install, installs_kind.KindInstall)
    return stage.install


async def test_a_burst_outlives_two_leaders_and_no_match_is_served_twice(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async with crowd.gathered(cluster) as burst:
        names = await burst.arrive(BURST)
        for over, kill in ((5, cluster.kill_pod), (BURST // 2, burst.kill_in_its_node)):
            await burst.until(over=over, within_s=240)
            leader = await burst.leader()
            began = time.monotonic()
            await kill(leader)
            after = await burst.leader(other_than=leader)
            took_s = time.monotonic() - began
            print(f"{kill.__name__}: {leader} is followed by {after} in {took_s:.1f} s")
            assert took_s < TAKEN_OVER_S
        phases = await burst.until(over=BURST, within_s=240)
        print(f"{dict(phases)}; {burst.seen}")
        assert burst.seen.doubled == set()
        assert burst.seen.most_servers <= crowd.MOST
        statuses = await burst.statuses()
        assert statuses.keys() == set(names)
        for name, status in statuses.items():
            assert status["phase"] == "Completed" or status["reason"], name
        assert phases["Completed"] >= 0.9 * BURST, [s.get("reason") for s in statuses.values()]
    await stage.audit_is_clean()


async def test_an_upgrade_of_everything_ends_no_match(
    stage: stages.Stage, cluster: installs_kind.KindInstall
) -> None:
    async def upgrade(level: str) -> None:
        words = ("upgrade", "matchfleet", str(CHART), "--reuse-values", "--wait")
        await cluster.helm(*words, "--timeout", "240s", "--set", f"log.level={level}")

    try:
        async with crowd.gathered(cluster) as burst, stage.duel("blitz") as duel:
            names = await burst.arrive(3, seconds=20)
            leader = await burst.leader()
            await upgrade("DEBUG")
            assert await burst.leader(other_than=leader) != leader
            await duel.over()
            await stage.rated_once(duel)
            await burst.until(over=len(names), within_s=120)
            ends = {name: status["phase"] for name, status in (await burst.statuses()).items()}
            assert ends == dict.fromkeys(names, "Completed")
    finally:
        await upgrade("INFO")
    await stage.audit_is_clean()
