"""RabbitMQ and Redis go away while a match is played: nothing is lost, no answer is wrong."""

import asyncio
import time

import pytest
import stage as stages

from matchfleet_client import player

pytestmark = [pytest.mark.local, pytest.mark.kind, pytest.mark.alone]
REDIS_AWAY_S = 20.0
ASK_EVERY_S = 0.5


async def test_a_match_that_ends_without_a_broker_is_rated_after_it_returns(
    stage: stages.Stage,
) -> None:
    async with stage.duel("trial") as duel:
        pod = await stage.pod_of(duel.match.id)
        await stage.install.stop_store("rabbitmq")
        await duel.over()
        await stage.until_pod_ended(pod)
        match = await duel.players[0].api.match(duel.match.id)
        assert match.state == "ready", "nobody but ranking ends a match, and it has heard nothing"
        await stage.install.start_store("rabbitmq")
        await stage.rated_once(duel)
    await stage.audit_is_clean()


async def test_redis_flushed_and_stopped_gives_no_wrong_answer(stage: stages.Stage) -> None:
    async with stage.duel("blitz") as duel:
        await stage.install.flush_redis()
        await _answers_are_right(duel)
        await stage.install.stop_store("redis")
        began = time.monotonic()
        while time.monotonic() - began < REDIS_AWAY_S:
            await _answers_are_right(duel)
            await asyncio.sleep(ASK_EVERY_S)
        await stage.install.start_store("redis")
        await duel.over()
        await stage.rated_once(duel)
        await _ladder_is_right(stage, duel.players[0])
    await stage.audit_is_clean()


async def _answers_are_right(duel: stages.Duel) -> None:
    one = duel.players[0]
    match = await one.api.match(duel.match.id)
    assert match.id == duel.match.id
    assert {s.player_id for s in match.seats} == {p.login.player_id for p in duel.players}
    assert (await one.api.me()).id == one.login.player_id
    if not match.is_ended:
        assert await one.api.my_match() in {duel.match.id, None}


async def _ladder_is_right(stage: stages.Stage, one: player.Player) -> None:
    """The leaderboard shows what PostgreSQL holds."""

    async def check() -> bool | None:
        shown = (await one.api.leaderboard(stages.GAME, "blitz", limit=50)).entries
        held = await stage.install.sql(
            "SELECT player_id, rating FROM ratings WHERE game = 'airhockey' AND mode = 'blitz'"
        )
        truth = {player_id: int(rating) for player_id, rating in held}
        listed = {entry.player_id: entry.rating for entry in shown}
        wrong = {who for who, rating in listed.items() if truth.get(who) != rating}
        return (not wrong and len(listed) == min(len(truth), 50)) or None

    await stages.until(check, what="a leaderboard that agrees with PostgreSQL", within_s=30)
