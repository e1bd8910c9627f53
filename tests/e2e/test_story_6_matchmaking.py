"""Nobody waits for ever, and nobody is sent to the far side of the world without need."""

import pytest
import stage as stages

pytestmark = [pytest.mark.local, pytest.mark.kind]
BOT_AFTER_S = 2


async def test_a_lone_player_gets_a_bot_after_the_wait(stage: stages.Stage) -> None:
    account = await stage.play("solo", players=1)
    assert sorted(place.bot for place in account.standings) == [False, True]
    assert account.ticket_to_playable_s >= BOT_AFTER_S
    assert account.ticks == 5 * 60
    await stage.audit_is_clean()


@pytest.mark.xdist_group("sprint")
@pytest.mark.parametrize(
    ("trips", "region"),
    [
        # Worst trips: eu 160, us 90. The mean would say eu.
        (({"eu": 10, "us": 90}, {"eu": 160, "us": 80}), "us"),
        (({"eu": 90, "us": 10}, {"eu": 80, "us": 160}), "eu"),
    ],
    ids=["us", "eu"],
)
async def test_two_players_land_where_the_worst_trip_is_lower(
    stage: stages.Stage, trips: tuple[dict[str, int], ...], region: str
) -> None:
    account = await stage.play("sprint", rtt_ms=trips)
    assert account.region == region
    await stage.audit_is_clean()
