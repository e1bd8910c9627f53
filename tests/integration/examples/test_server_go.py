"""The example server, as a process, told what to play as the operator would tell it.

What is asked of it here is what docs/server-contract.md asks of every server.
"""

import asyncio
import datetime
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
import steps_players

from matchfleet_api.commands import keyfiles
from matchfleet_contracts import keys, results, tokens
from matchfleet_contracts.resources import Limits, MatchSpec, PlayerKind, RosterEntry

SOURCE = Path(__file__).parents[3] / "examples" / "server-go"
CONTRACT = SOURCE.parents[1] / "docs" / "server-contract.md"
POD_UID, MATCH_UID = "pod-1", "match-uid"
OPERATOR, API, STRANGER = (keys.new_signing_key(bytes((n,)) * 32) for n in (1, 2, 3))
PATIENCE_S = 20.0
TWO_BOTS = [RosterEntry(seat=n, team=n, kind=PlayerKind.BOT) for n in (0, 1)]
TWO_HUMANS = [RosterEntry(seat=n, team=n, kind=PlayerKind.HUMAN, id=f"p{n}") for n in (0, 1)]


def now_s() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp())  # noqa: TID251


def assignment(
    players: list[RosterEntry], *, key: keys.SigningKey = OPERATOR, **changes: Any
) -> str:
    spec = MatchSpec(
        game="steps",
        mode="duel",
        region="eu",
        fleets=["steps"],
        players=players,
        config={"steps": 10},
        seed=7,
        limits=changes.pop("limits", Limits(join_seconds=10, max_seconds=60)),
    )
    claims = tokens.AssignmentClaims(
        aud=POD_UID,
        iat=now_s(),
        exp=now_s() + 60,
        jti=str(uuid.uuid4()),
        match="m-1",
        match_uid=MATCH_UID,
        spec=spec,
        api_jwks=keys.encode_public([API]).decode(),
    )
    return tokens.sign(msgspec.structs.replace(claims, **changes), key)


def join_token(seat: int, *, key: keys.SigningKey = API, **changes: Any) -> str:
    claims = tokens.JoinClaims(
        sub=f"p{seat}",
        aud=tokens.join_audience(MATCH_UID, POD_UID),
        iat=now_s(),
        exp=now_s() + 60,
        jti=str(uuid.uuid4()),
        seat=seat,
        name=f"P{seat}",
    )
    return tokens.sign(msgspec.structs.replace(claims, **changes), key)


@dataclass(frozen=True, slots=True)
class Server:
    child: asyncio.subprocess.Process
    http: aiohttp.ClientSession
    control: str
    url: str
    message: Path

    async def assign(self, token: str) -> tuple[int, dict[str, str]]:
        async with self.http.post(f"{self.control}/v1/assignment", data=token) as answer:
            return answer.status, await answer.json(content_type=None)

    async def result(self) -> results.Result:
        async with asyncio.timeout(PATIENCE_S):
            assert await self.child.wait() == 0
        return results.decode(self.message.read_bytes())

    async def until_healthy(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    async with self.http.get(f"{self.control}/readyz") as answer:
                        assert answer.status == 200
                        return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.02)


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not shutil.which("go"):
        pytest.skip("no Go on this machine: the stories on kind play the image of this server")
    output = tmp_path_factory.mktemp("server-go") / "server"
    words = ["go", "build", "-o", output, "."]
    subprocess.run(words, cwd=SOURCE, check=True, env=os.environ | {"CGO_ENABLED": "0"})
    return output


@pytest_asyncio.fixture
async def server(program: Path, tmp_path: Path) -> AsyncIterator[Server]:
    (tmp_path / "operator.json").write_bytes(keys.encode_public([OPERATOR]))
    game, control = _free_port(socket.SOCK_DGRAM), _free_port(socket.SOCK_STREAM)
    env = {
        "MATCHFLEET_POD_IP": "127.0.0.1",
        "MATCHFLEET_POD_UID": POD_UID,
        "MATCHFLEET_GAME": "steps",
        "MATCHFLEET_GAME_PORT": str(game),
        "MATCHFLEET_CONTROL_PORT": str(control),
        "MATCHFLEET_DRAIN_SECONDS": "1",
        "MATCHFLEET_TERMINATION_LOG": str(tmp_path / "message"),
        "MATCHFLEET_OPERATOR_PUBLIC_KEYS": str(tmp_path / "operator.json"),
    }
    child = await asyncio.create_subprocess_exec(program, env=env)
    async with aiohttp.ClientSession() as http:
        address = f"http://127.0.0.1:{control}"
        started = Server(child, http, address, f"udp://127.0.0.1:{game}", tmp_path / "message")
        await started.until_healthy()
        yield started
    if child.returncode is None:
        child.kill()
        await child.wait()


@pytest_asyncio.fixture
async def players(server: Server) -> AsyncIterator[list[steps_players.Player]]:
    both = [await steps_players.Player.at(server.url) for _ in range(2)]
    yield both
    for one in both:
        one.leave()


async def test_bots_alone_play_to_a_result(server: Server) -> None:
    assert await server.assign(assignment(TWO_BOTS)) == (200, {"match_uid": MATCH_UID})
    found = await server.result()
    assert (found.outcome, found.match_uid) == (results.Outcome.COMPLETED, MATCH_UID)
    assert {s.seat: s.bot for s in found.standings} == {0: True, 1: True}
    assert max(s.score for s in found.standings) == 10
    assert (found.tick_hz, found.ticks > 0) == (20, True)
    assert found.achieved_hz == pytest.approx(20, rel=0.3)


async def test_the_worked_example_of_the_contract_works(server: Server, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", CONTRACT.read_text(), re.DOTALL)
    folder = tmp_path / "keys"
    keyfiles.write(folder)
    (tmp_path / "operator.json").write_bytes((folder / "operator-public.json").read_bytes())
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        example.replace("/tmp/keys", str(folder)),  # noqa: S108 - as the document has it
        stdout=asyncio.subprocess.PIPE,
    )
    token = (await child.communicate())[0].decode().strip()
    assert await server.assign(token) == (200, {"match_uid": "uid-1"})
    found = await server.result()
    assert (found.match_uid, max(s.score for s in found.standings)) == ("uid-1", 30)


async def test_limits_that_are_left_out_are_the_defaults(server: Server) -> None:
    # msgspec leaves out of a token what is as the schema has it.
    await server.assign(assignment(TWO_BOTS, limits=Limits()))
    assert (await server.result()).outcome is results.Outcome.COMPLETED


async def test_two_players_join_by_token_and_the_one_who_walks_wins(
    server: Server, players: list[steps_players.Player]
) -> None:
    await server.assign(assignment(TWO_HUMANS))
    async with asyncio.timeout(PATIENCE_S):
        for seat, one in enumerate(players):
            assert await one.asked(f"JOIN {join_token(seat)}", "SEAT", "NO") == f"SEAT {seat}"
        assert await players[1].walk() == [0, 10]
    found = await server.result()
    assert {s.seat: (s.rank, s.score) for s in found.standings} == {0: (2, 0), 1: (1, 10)}


async def test_a_lost_answer_is_asked_for_again_and_another_match_is_refused(
    server: Server,
) -> None:
    token = assignment(TWO_HUMANS)
    agreed = (200, {"match_uid": MATCH_UID})
    assert [await server.assign(token) for _ in range(2)] == [agreed, agreed]
    assert await server.assign(assignment(TWO_HUMANS)) == agreed
    other = assignment(TWO_HUMANS, match_uid="another")
    assert await server.assign(other) == (409, {"match_uid": MATCH_UID})


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda: assignment(TWO_BOTS, key=STRANGER), id="stranger's key"),
        pytest.param(lambda: assignment(TWO_BOTS, aud="another-pod"), id="another pod"),
        pytest.param(lambda: assignment(TWO_BOTS, exp=now_s() - 60), id="expired"),
        pytest.param(lambda: assignment(TWO_BOTS, iat=now_s() + 60), id="of the future"),
        pytest.param(lambda: assignment(TWO_BOTS, iss="matchfleet-api"), id="issuer"),
        pytest.param(lambda: join_token(0, key=OPERATOR, aud=POD_UID), id="another kind"),
        pytest.param(lambda: assignment(TWO_BOTS)[:-3] + "AAA", id="altered"),
        pytest.param(lambda: "", id="empty"),
        pytest.param(lambda: "a.b.c", id="nonsense"),
    ],
)
async def test_what_is_no_assignment_for_this_pod_is_refused(
    server: Server, forged: Callable[[], str]
) -> None:
    assert (await server.assign(forged()))[0] == 401
    assert (await server.assign(assignment(TWO_BOTS)))[0] == 200


async def test_a_match_that_cannot_be_played_here_is_refused_with_a_sentence(
    server: Server,
) -> None:
    status, answer = await server.assign(assignment(TWO_BOTS[:1]))
    assert (status, answer["detail"]) == (422, "steps takes two players or more, and config.steps")


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(lambda: join_token(0, key=STRANGER), id="stranger's key"),
        pytest.param(lambda: join_token(0, aud="other-match/pod-1"), id="another match"),
        pytest.param(lambda: join_token(0, exp=now_s() - 60), id="expired"),
        pytest.param(lambda: join_token(9), id="no such seat"),
    ],
)
async def test_what_is_no_join_token_opens_no_seat(
    server: Server, players: list[steps_players.Player], forged: Callable[[], str]
) -> None:
    await server.assign(assignment(TWO_HUMANS))
    async with asyncio.timeout(PATIENCE_S):
        assert (await players[0].asked(f"JOIN {forged()}", "SEAT", "NO")).startswith("NO")


async def test_a_token_opens_its_seat_once(
    server: Server, players: list[steps_players.Player]
) -> None:
    await server.assign(assignment(TWO_HUMANS))
    first, second = players
    token = f"JOIN {join_token(0)}"
    async with asyncio.timeout(PATIENCE_S):
        assert await first.asked(token, "SEAT", "NO") == "SEAT 0"
        assert await first.asked(token, "SEAT", "NO") == "SEAT 0"
        assert (await second.asked(token, "SEAT", "NO")).startswith("NO")


async def test_a_player_who_comes_back_takes_the_seat_with_a_new_token(
    server: Server, players: list[steps_players.Player]
) -> None:
    await server.assign(assignment(TWO_HUMANS))
    before, after = players
    old = f"JOIN {join_token(0)}"
    async with asyncio.timeout(PATIENCE_S):
        assert await before.asked(old, "SEAT", "NO") == "SEAT 0"
        assert await after.asked(f"JOIN {join_token(0)}", "SEAT", "NO") == "SEAT 0"
        assert (await after.asked(old, "SEAT", "NO")).startswith("NO")


async def test_whoever_does_not_join_in_time_ends_the_match(server: Server) -> None:
    await server.assign(assignment(TWO_HUMANS, limits=Limits(join_seconds=1, max_seconds=60)))
    found = await server.result()
    assert (found.outcome, found.reason) == (results.Outcome.VOID, "JoinTimeout")


async def test_told_to_stop_an_idle_server_leaves_at_once(server: Server) -> None:
    server.child.send_signal(signal.SIGTERM)
    async with asyncio.timeout(PATIENCE_S):
        assert await server.child.wait() == 0
    assert not server.message.exists()


async def test_told_to_stop_a_busy_server_gives_its_match_time_and_then_ends_it(
    server: Server,
) -> None:
    await server.assign(assignment(TWO_HUMANS))
    server.child.send_signal(signal.SIGTERM)
    found = await server.result()
    assert (found.outcome, found.reason) == (results.Outcome.VOID, "Drained")
