"""The api process inside a test: real HTTP, WebSocket, PostgreSQL and Redis; Matches in memory.

front_door      the running application and everything behind it
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tickets import QUEUE_ENTRY

from matchfleet_adapters import rabbitmq
from matchfleet_adapters.kubernetes import memory
from matchfleet_adapters.postgres import pool
from matchfleet_adapters.redis import cache, connection, ladders, store
from matchfleet_api import keyring, passwords, serve, settings, throttle
from matchfleet_api.commands import keyfiles
from matchfleet_api.matchmaking import queues
from matchfleet_contracts import topology
from matchfleet_telemetry import health

ADMIN_TOKEN = "the-admin-token"


class MemoryBroker:
    """What an audit sees of a broker, as a test writes it."""

    def __init__(self) -> None:
        self.depth = [
            rabbitmq.Depth(q.name, messages=0, consumers=1, dead=0) for q in topology.QUEUES
        ]
        self.dead: list[rabbitmq.DeadLetter] = []

    async def depths(self) -> Sequence[rabbitmq.Depth]:
        return self.depth

    async def dead_letters(self, queue: topology.Queue) -> Sequence[rabbitmq.DeadLetter]:
        return [m for m in self.dead if m.queue == queue.name]


@dataclass
class Answer:
    """A response that was read."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self.body
        problem = self.json
        assert problem["status"] == self.status
        return problem["code"]


@dataclass
class Guest:
    """A player who is logged in."""

    door: "FrontDoor"
    id: str
    access_token: str
    refresh_token: str

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {self.access_token}"}
        return await self.door.call(method, path, body, headers=headers, **options)

    async def queue(self, **rtt_ms: int) -> Answer:
        wish = {"game": "airhockey", "mode": "blitz", "rtt_ms": rtt_ms or {"eu": 20}}
        return await self.call("POST", "/v1/tickets", wish)


@dataclass
class FrontDoor:
    """The running application."""

    url: str
    config: settings.Serve
    stores: serve.Stores
    parts: serve.Parts
    cluster: memory.MemoryMatches
    broker: MemoryBroker
    http: aiohttp.ClientSession
    dsn: str
    redis_url: str
    board: health.Board = field(default_factory=health.Board)

    @property
    def database(self) -> pool.Database:
        return self.stores.database

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> Answer:
        if body is not None:
            options["json"] = body
        async with self.http.request(method, self.url + path, **options) as response:
            return Answer(response.status, response.headers, await response.read())

    async def guest(self, name: str | None = None) -> Guest:
        answer = await self.call("POST", "/v1/auth/guest", {} if name is None else {"name": name})
        assert answer.status == 201, answer.body
        login = answer.json
        return Guest(self, login["player_id"], login["access_token"], login["refresh_token"])

    async def admin(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        return await self.call(method, path, headers=headers, **options)

    async def sql(self, query: str, *arguments: Any) -> list[Any]:
        async with self.database.connection() as held:
            return await held.fetch(query, *arguments)


def write_files(folder: Path) -> dict[str, Path]:
    """The files a process is told of."""
    keyfiles.write(folder)
    (folder / "admin-token").write_text(ADMIN_TOKEN)
    (folder / "queues.json").write_text(json.dumps({"queues": [QUEUE_ENTRY]}))
    return {
        "api_signing_keys": folder / "api-signing.json",
        "admin_token_file": folder / "admin-token",
        "queues_file": folder / "queues.json",
    }


@contextlib.asynccontextmanager
async def opened(
    folder: Path, *, dsn: str, redis_url: str, redis_budget_s: float = 1.0, **changes: Any
) -> AsyncIterator[FrontDoor]:
    """The application, serving until the block ends."""
    config = settings.Serve(
        postgres_dsn=dsn,
        redis_url=redis_url,
        rabbitmq_url="amqp://nobody@127.0.0.1:1/",
        **{**write_files(folder), **changes},
    )
    cluster, broker, board = memory.MemoryMatches(), MemoryBroker(), health.Board()
    async with contextlib.AsyncExitStack() as stack:
        database = await pool.open_database(dsn, config.pool("test"))
        stack.push_async_callback(database.close)
        client = connection.client(redis_url, timeout_s=redis_budget_s)
        stack.push_async_callback(client.aclose)
        hasher = passwords.Passwords()
        stack.callback(hasher.close)
        stores = serve.Stores(
            database=database,
            cache=cache.Cache(store.RedisStore(client, budget_s=redis_budget_s)),
            cluster=cluster,
            broker=broker,
            ladders=ladders.Ladders(client, budget_s=redis_budget_s),
            gate=throttle.Throttle(redis_url, budget_s=redis_budget_s),
        )
        stack.push_async_callback(stores.gate.close)
        parts = serve.assemble(
            config,
            stores,
            ring=keyring.Keyring(config.api_signing_keys),
            found=queues.load(config.queues_file),
            hasher=hasher,
            board=board,
        )
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(
            serve.listen(serve.web_server(config, parts), parts, sockets=[listener])
        )
        http = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        door = FrontDoor(url, config, stores, parts, cluster, broker, http, dsn, redis_url, board)
        try:
            await _until_it_answers(door)
            yield door
        finally:
            serving.cancel()
            await asyncio.wait({serving})


async def _until_it_answers(door: FrontDoor) -> None:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if (await door.call("GET", "/livez")).status == 200:
                    return
            await asyncio.sleep(0.01)


@pytest.fixture
async def front_door(tmp_path, postgres_dsn, redis_url) -> AsyncIterator[FrontDoor]:
    """The running application, with limits that tests do not meet by accident."""
    async with opened(
        tmp_path,
        dsn=postgres_dsn,
        redis_url=redis_url,
        guests_per_minute=10_000,
        registrations_per_minute=10_000,
    ) as door:
        yield door
