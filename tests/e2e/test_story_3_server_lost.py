"""A game server dies in the middle of a match: the match is void, and nobody is stuck."""

import time

import pytest
import stage as stages

pytestmark = [pytest.mark.local, pytest.mark.kind, pytest.mark.xdist_group("blitz")]
WITHIN_S = 15.0


async def test_a_killed_server_fails_its_match_and_frees_its_players(stage: stages.Stage) -> None:
    async with stage.duel("trial") as duel:
        await duel.until_tick(60)
        pod = await stage.pod_of(duel.match.id)
        killed_at = time.monotonic()
        await stage.install.kill_pod(pod)

        match = await stage.recorded(duel)
        took_s = time.monotonic() - killed_at
        assert match.state == "failed"
        assert match.reason in {"ServerLost", "ResultInvalid"}
        assert took_s < WITHIN_S, f"it took {took_s:.1f} s to say so"

        assert await stage.ledger(match.id) == []
        for one in duel.players:
            told = await stages.until_heard_end(one, match.id, within_s=WITHIN_S)
            assert told.ended_as == "failed"
            assert (await one.api.me()).rating(stages.GAME, "trial") is None
            ticket = await one.queue(stages.GAME, "blitz", {"eu": 20})
            assert (await one.api.cancel_ticket(ticket.id)).state == "cancelled"
    await stage.audit_is_clean()
