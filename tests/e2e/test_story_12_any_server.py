"""A server in another language is a server like any other: examples/server-go, which has no code of
ours, plays Matches through the contract of docs/server-contract.md.
"""

import asyncio
from pathlib import Path

import pytest
import stage as stages
import steps_players

pytestmark = [pytest.mark.kind]
QUEUE = ("steps", "duel")
NEAR = {"eu": 20}
BOTS = """
apiVersion: matchfleet.dev/v1alpha1
kind: Match
metadata: {name: any-server}
spec:
  game: steps
  mode: duel
  region: eu
  fleets: [steps-eu]
  players: [{seat: 0, team: 0, kind: Bot}, {seat: 1, team: 1, kind: Bot}]
  config: {steps: 30}
  seed: 5
"""


async def test_a_match_of_bots_completes_and_rates_nothing(
    stage: stages.Stage, tmp_path: Path
) -> None:
    kubectl, name = stage.install.kubectl, "match/any-server"
    path = tmp_path / "match.yaml"
    path.write_text(BOTS)
    await kubectl("delete", name, "--ignore-not-found", "--wait", "--timeout=60s")
    await kubectl("apply", "-f", str(path))
    await kubectl("wait", "--for=condition=Ready", name, "--timeout=60s")
    await kubectl("wait", "--for=jsonpath={.status.phase}=Completed", name, "--timeout=60s")
    await kubectl("wait", "--for=condition=ResultPublished", name, "--timeout=30s")
    match = (await kubectl("get", name, "-o", "json")).json()
    result, server = match["status"]["result"], match["status"]["server"]
    assert max(s["score"] for s in result["standings"]) == 30
    assert server["ports"] == [{"name": "game", "port": server["port"], "protocol": "UDP"}]
    assert server["url"] == f"udp://{server['address']}:{server['port']}"
    rows = await stage.install.sql(
        f"SELECT count(*) FROM matches WHERE uid = '{match['metadata']['uid']}'"  # noqa: S608
    )
    assert rows == [["0"]]
    await stage.audit_is_clean()


async def test_two_players_are_matched_play_by_datagrams_and_are_rated(
    stage: stages.Stage,
) -> None:
    async with stage.players(2) as both:
        tickets = await asyncio.gather(*(one.queue(*QUEUE, NEAR) for one in both))
        matches = await asyncio.gather(
            *(one.matched(t.id, within_s=90) for one, t in zip(both, tickets, strict=True))
        )
        match = matches[0]
        joins = [await one.api.join(match.id) for one in both]
        steppers = [await steps_players.Player.at(join.url) for join in joins]
        async with asyncio.timeout(60):
            for stepper, join in zip(steppers, joins, strict=True):
                said = await stepper.asked(f"JOIN {join.token}", "SEAT", "NO")
                assert said == f"SEAT {join.seat}"
            places = await steppers[0].walk()
        for stepper in steppers:
            stepper.leave()
        assert max(places) == 40
        final = await both[0].recorded(match.id, within_s=60)
        assert final.state == "completed"
        moves = dict(await stage.ledger(match.id))
        winner, loser = (one.login.player_id for one in both)
        assert moves[winner] > 0 > moves[loser]
    await stage.audit_is_clean()
