"""Two people play a match: from registering to a rating that everybody can see."""

import pytest
import stage as stages

from matchfleet_client import accounts

pytestmark = [pytest.mark.local, pytest.mark.kind]
DURATION_S = 20
TICK_HZ = 60
TRIES = 3


@pytest.mark.xdist_group("blitz")
async def test_two_clients_play_a_match_and_their_ratings_move(stage: stages.Stage) -> None:
    account = await _decisive(stage)

    assert account.standings[0].score > account.standings[1].score
    winner, loser = account.standings[0].name, account.standings[1].name
    assert account.ratings[winner][1] > account.ratings[winner][0]
    assert account.ratings[loser][1] < account.ratings[loser][0]
    assert sum(after - before for before, after in account.ratings.values()) == 0

    query = (
        "SELECT p.name, r.rating, r.games FROM ratings r JOIN players p ON p.id = r.player_id "  # noqa: S608
        f"WHERE r.mode = 'blitz' AND p.name IN ('{winner}', '{loser}')"
    )
    stored = await stage.install.sql(query)
    assert sorted(stored) == sorted(
        [name, str(after), "1"] for name, (_, after) in account.ratings.items()
    )
    assert len(await stage.ledger(account.match)) == 2
    await stage.audit_is_clean()


async def _decisive(stage: stages.Stage) -> accounts.Account:
    """A match with a winner. Strong against weak ends even about once in fifty matches."""
    for _ in range(TRIES):
        account = await stage.play("blitz", registered=True)
        assert account.ticks == DURATION_S * TICK_HZ
        if not account.draw:
            return account
        assert {before - after for before, after in account.ratings.values()} == {0}
    raise AssertionError(f"{TRIES} draws in a row: strong no longer beats weak")


@pytest.mark.xdist_group("sprint")
async def test_the_hour_of_the_match_shows_in_the_analytics(stage: stages.Stage) -> None:
    before = await _hours(stage)
    account = await stage.play("sprint")

    async def counted() -> bool | None:
        after = await _hours(stage)
        return (
            after["completed"] > before["completed"] and after["humans"] >= (before["humans"] + 2)
        ) or None

    await stages.until(counted, what="the match in the analytics", within_s=20)
    query = (
        "SELECT count(DISTINCT h.player_id) FROM hourly_players h "  # noqa: S608
        f"JOIN seats s ON s.player_id = h.player_id WHERE s.match_id = '{account.match}'"
    )
    assert await stage.install.sql(query) == [["2"]]
    await stage.audit_is_clean()


async def _hours(stage: stages.Stage) -> dict[str, int]:
    rows = await stage.install.sql(
        "SELECT coalesce(sum(completed), 0), coalesce(sum(humans), 0) FROM hourly_matches "
        "WHERE game = 'airhockey' AND mode = 'sprint'"
    )
    completed, humans = rows[0]
    return {"completed": int(completed), "humans": int(humans)}
