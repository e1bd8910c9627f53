"""A real game server process, told what to play as the operator would, and players that join it."""

import asyncio
import contextlib
import datetime
import json
import os
import re
import shutil
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
import websockets

from matchfleet_contracts import keys, results, tokens, wire
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.resources import Limits, MatchSpec, PlayerKind, RosterEntry

GAMES = Path(__file__).parent / "games"
POD_UID, MATCH_UID = "pod-uid", "match-uid"
OPERATOR, API, STRANGER = (keys.new_signing_key(bytes((n,)) * 32) for n in (1, 2, 3))
PATIENCE_S = 30.0
"""How long a process may take to do what it should, on a machine that is busy with other tests."""


def now_s() -> int:
    return int(datetime.datetime.now(datetime.UTC).timestamp())  # noqa: TID251


class Process:
    """A child process whose log lines are read as they come."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self.child = child
        self.lines: list[str] = []
        self._grew = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, module: str, env: dict[str, str]) -> "Process":
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", module, env=os.environ | env, stderr=asyncio.subprocess.PIPE
        )
        return cls(child)

    async def _read(self) -> None:
        assert self.child.stderr is not None
        async for line in self.child.stderr:
            async with self._grew:
                self.lines.append(line.decode())
                self._grew.notify_all()
        async with self._grew:
            self._grew.notify_all()

    async def logged(self, event: str) -> dict[str, Any]:
        """Wait for the first log line of this event."""

        def found() -> dict[str, Any] | None:
            for line in self.lines:
                if f'"{event}"' in line:
                    fields: dict[str, Any] = json.loads(line)
                    return fields
            return None

        async with asyncio.timeout(PATIENCE_S), self._grew:
            await self._grew.wait_for(lambda: found() or self.child.returncode is not None)
        fields = found()
        assert fields is not None, f"no {event} in:\n{''.join(self.lines)}"
        return fields

    def signal(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    async def left(self) -> int:
        """Wait for its exit code; all of its log is read then."""
        async with asyncio.timeout(PATIENCE_S):
            code = await self.child.wait()
            await self._reader
        return code

    async def end(self) -> None:
        """Make sure that it is gone."""
        if self.child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.child.kill()
        await self.left()


class Player:
    """One connection of a player, and all that it was sent."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.half = wire.ClientConnection()
        self.frames: list[wire.ServerFrame] = []

    async def hello(self, token: str) -> wire.ServerFrame:
        await self.socket.send(self.half.hello(token))
        return await self.next()

    async def next(self) -> wire.ServerFrame:
        async with asyncio.timeout(PATIENCE_S):
            frame = self.half.receive(await self.socket.recv())
        self.frames.append(frame)
        return frame

    async def until(self, kind: type[Any], where: Callable[[Any], bool] = lambda _: True) -> Any:
        """Wait for the next frame of a kind."""
        while True:
            frame = await self.next()
            if isinstance(frame, kind) and where(frame):
                return frame

    async def closed(self) -> int:
        """Read to the end; the close code."""
        try:
            while True:
                await self.next()
        except websockets.ConnectionClosed as closed:
            return _code(closed)

    async def play(self, skill: airhockey.Skill) -> int:
        """Play air hockey to the end; the close code."""
        try:
            while True:
                frame = await self.next()
                if isinstance(frame, wire.Full):
                    seat = self.half.welcome.seat if self.half.welcome else 0
                    view = airhockey.decode_view(frame.view)
                    action = airhockey.rule_policy(airhockey.observe(view, seat), skill)
                    raw = airhockey.encode_input(airhockey.input_of(action, seat))
                    # A server that has closed still has its last words in our buffer.
                    with contextlib.suppress(websockets.ConnectionClosed):
                        await self.socket.send(self.half.inputs(raw))
        except websockets.ConnectionClosed as closed:
            return _code(closed)

    def seen(self, kind: type[Any]) -> list[Any]:
        return [frame for frame in self.frames if isinstance(frame, kind)]


def _code(closed: websockets.ConnectionClosed) -> int:
    """The code that the server closed with; it did not just vanish."""
    assert closed.rcvd is not None
    return closed.rcvd.code


class Server(Process):
    """A game server process."""

    path: Path
    http: aiohttp.ClientSession
    address: str
    control: str

    async def ready(self) -> None:
        idle = await self.logged("server_idle")
        self.address = f"ws://127.0.0.1:{idle['game_port']}/"
        self.control = f"http://127.0.0.1:{idle['control_port']}"

    async def post(self, token: str) -> tuple[int, dict[str, str]]:
        headers = {"Content-Type": "application/jwt"}
        async with self.http.post(
            f"{self.control}/v1/assignment", data=token, headers=headers
        ) as answer:
            return answer.status, await answer.json()

    async def assign(self, *players: RosterEntry, **changes: Any) -> None:
        status, answer = await self.post(assignment(*players, **changes))
        assert (status, answer) == (200, {"match_uid": MATCH_UID, "pod_uid": POD_UID})

    async def get(self, path: str) -> tuple[int, str]:
        async with self.http.get(self.control + path) as answer:
            return answer.status, await answer.text()

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels; `name` may hold labels."""
        _, text = await self.get("/metrics")
        found = re.findall(rf"^{re.escape(name)}(?:{{.*}})? (.+)$", text, re.MULTILINE)
        return sum(float(value) for value in found)

    async def metric_above(self, name: str, low: float) -> None:
        """Wait until a metric is greater than this."""
        async with asyncio.timeout(PATIENCE_S):
            # Metrics cannot be awaited, only asked for again.
            while await self.metric(name) <= low:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    @contextlib.asynccontextmanager
    async def connection(self, **options: Any) -> AsyncIterator[Player]:
        async with websockets.connect(
            self.address,
            subprotocols=[websockets.Subprotocol(wire.SUBPROTOCOL)],
            compression=None,
            **options,
        ) as socket:
            yield Player(socket)

    @contextlib.asynccontextmanager
    async def player(self, seat: int, *, player: str = "", **options: Any) -> AsyncIterator[Player]:
        """A player who took a seat."""
        async with self.connection(**options) as connected:
            welcome = await connected.hello(join_token(seat, sub=player or f"player-{seat}"))
            assert isinstance(welcome, wire.Welcome), welcome
            yield connected

    def result(self) -> results.Result:
        return results.decode(self.path.read_bytes())


def human(seat: int) -> RosterEntry:
    return RosterEntry(seat=seat, team=seat, kind=PlayerKind.HUMAN, id=f"player-{seat}")


def bot(seat: int, policy: str | None = None) -> RosterEntry:
    return RosterEntry(seat=seat, team=seat, kind=PlayerKind.BOT, bot=policy)


def assignment(
    *players: RosterEntry,
    key: keys.SigningKey = OPERATOR,
    aud: str = POD_UID,
    match_uid: str = MATCH_UID,
    join_s: int = 30,
    max_s: int = 60,
    **changes: Any,
) -> str:
    fields: dict[str, Any] = {
        "game": "airhockey",
        "mode": "test",
        "region": "eu",
        "fleets": ["f"],
        "players": list(players or (human(0), human(1))),
        "config": {"durationSeconds": 2},
        "seed": 7,
        "limits": Limits(join_seconds=join_s, max_seconds=max_s),
    }
    claims = tokens.AssignmentClaims(
        aud=aud,
        iat=now_s(),
        exp=now_s() + 60,
        jti=str(uuid.uuid4()),
        match="m",
        match_uid=match_uid,
        spec=MatchSpec(**(fields | changes)),
        api_jwks=keys.encode_public([API]).decode(),
    )
    return tokens.sign(claims, key)


def join_token(
    seat: int, *, sub: str = "player-0", key: keys.SigningKey = API, **changes: Any
) -> str:
    claims = tokens.JoinClaims(
        sub=sub,
        aud=tokens.join_audience(MATCH_UID, POD_UID),
        iat=now_s(),
        exp=now_s() + 60,
        jti=str(uuid.uuid4()),
        seat=seat,
        name=f"Name {sub}",
    )
    return tokens.sign(msgspec.structs.replace(claims, **changes), key)


StartServer = Callable[..., Awaitable[Server]]


@pytest_asyncio.fixture
async def start_server(tmp_path: Path) -> AsyncIterator[StartServer]:
    """Starts game servers that are idle when it returns; keywords are settings."""
    (tmp_path / "operator.json").write_bytes(keys.encode_public([OPERATOR]))
    site = tmp_path / "site"
    info = site / "mischief-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mischief\nVersion: 1.0\n")
    shutil.copy(GAMES / "entry_points.txt", info)
    shutil.copy(GAMES / "mischief.py", site)
    started: list[Server] = []

    async def start(**settings: Any) -> Server:
        path = tmp_path / f"termination-{len(started)}"
        env = {
            "PYTHONPATH": str(site),
            "MATCHFLEET_GAME": "airhockey",
            "MATCHFLEET_POD_UID": POD_UID,
            "MATCHFLEET_GAME_PORT": "0",
            "MATCHFLEET_CONTROL_PORT": "0",
            "MATCHFLEET_TERMINATION_LOG": str(path),
            "MATCHFLEET_OPERATOR_PUBLIC_KEYS": str(tmp_path / "operator.json"),
        } | {f"MATCHFLEET_{name.upper()}": str(value) for name, value in settings.items()}
        process = await Server.start("matchfleet_gameserver", env)
        assert isinstance(process, Server)
        started.append(process)
        process.path, process.http = path, http
        await process.ready()
        return process

    async with aiohttp.ClientSession() as http:
        yield start
        for process in started:
            await process.end()


@pytest_asyncio.fixture
async def bots() -> AsyncIterator[Process]:
    """A bot service, started on a free port."""
    env = {"MATCHFLEET_HOST": "127.0.0.1", "MATCHFLEET_PORT": "0", "MATCHFLEET_METRICS_PORT": "0"}
    process = await Process.start("matchfleet_bots", env)
    await process.logged("bots_serving")
    yield process
    await process.end()


class Builders:
    """What the tests of this folder build with."""

    human = staticmethod(human)
    bot = staticmethod(bot)
    assignment = staticmethod(assignment)
    join_token = staticmethod(join_token)
    stranger = STRANGER
    match_uid = MATCH_UID


@pytest.fixture(scope="session")
def a() -> type[Builders]:
    return Builders
