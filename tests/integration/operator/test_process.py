"""The operator as a process of its own, with real game servers and a real broker, on `local`."""

import asyncio
import contextlib
import datetime
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from matchfleet_adapters import rabbitmq
from matchfleet_contracts import events, keys
from matchfleet_contracts.ids import EventId
from matchfleet_operator.watching import access

pytestmark = pytest.mark.local

MERGE = "application/merge-patch+json"
PLAYS = "python -m matchfleet_gameserver"


class Install:
    """A local cluster with one Fleet, and an operator process that can be killed."""

    def __init__(self, cluster: Any, folder: Path, rabbitmq_url: str) -> None:
        self.cluster = cluster
        self.reach = access.of_kubeconfig(cluster.kubeconfig)
        self._folder = folder
        self._rabbitmq_url = rabbitmq_url
        self.port = _free_port()
        signing = keys.new_signing_key(os.urandom(keys.SEED_BYTES))
        self.private, self.public = folder / "signing.json", folder / "public.json"
        self.private.write_bytes(keys.encode_private([signing]))
        self.public.write_bytes(keys.encode_public([signing]))

    @contextlib.asynccontextmanager
    async def operator(self) -> AsyncIterator[asyncio.subprocess.Process]:
        told = {
            "MATCHFLEET_KUBECONFIG": str(self.cluster.kubeconfig),
            "MATCHFLEET_NAMESPACE": "default",
            "MATCHFLEET_RABBITMQ_URL": self._rabbitmq_url,
            "MATCHFLEET_OPERATOR_SIGNING_KEYS": str(self.private),
            "MATCHFLEET_API_PUBLIC_KEYS": str(self.public),
            "MATCHFLEET_HEALTH_HOST": "127.0.0.1",
            "MATCHFLEET_HEALTH_PORT": str(self.port),
            "MATCHFLEET_METRICS_PORT": "0",
            "MATCHFLEET_LOG_FORMAT": "console",
        }
        with (self._folder / "operator.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "matchfleet_operator"),
                env=os.environ | told,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def log(self) -> str:
        return (self._folder / "operator.log").read_text()

    @contextlib.asynccontextmanager
    async def api(self) -> AsyncIterator[aiohttp.ClientSession]:
        async with aiohttp.ClientSession(
            self.reach.server,
            headers={"Authorization": f"Bearer {self.reach.bearer()}"},
            connector=aiohttp.TCPConnector(ssl=self.reach.tls() or True),
        ) as session:
            yield session

    async def apply(self, plural: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        body = {
            "apiVersion": "matchfleet.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        path = f"/apis/matchfleet.dev/v1alpha1/namespaces/default/{plural}"
        async with self.api() as api, api.post(path, json=body) as response:
            assert response.status == 201, await response.text()

    async def apply_fleet(self, *, warm: int = 0, **more: Any) -> None:
        game = {
            "name": "game",
            "image": "gameserver",
            "env": [{"name": "MATCHFLEET_OPERATOR_PUBLIC_KEYS", "value": str(self.public)}],
        }
        spec = {
            "game": "airhockey",
            "region": "eu",
            "warm": warm,
            "max": 5,
            "drainSeconds": 2,
            "expose": {"type": "PodIP"},
            "template": {"spec": {"containers": [game]}},
        } | more
        await self.apply("fleets", "Fleet", "eu", spec)

    async def apply_match(self, name: str, *, seconds: int) -> None:
        spec = {
            "game": "airhockey",
            "mode": "blitz",
            "region": "eu",
            "fleets": ["eu"],
            "players": [
                {"seat": 0, "team": 0, "kind": "Bot", "bot": "strong"},
                {"seat": 1, "team": 1, "kind": "Bot", "bot": "weak"},
            ],
            "config": {"durationSeconds": seconds},
        }
        await self.apply("matches", "Match", name, spec)

    async def match(self, name: str) -> dict[str, Any]:
        path = f"/apis/matchfleet.dev/v1alpha1/namespaces/default/matches/{name}"
        async with self.api() as api, api.get(path) as response:
            found: dict[str, Any] = await response.json()
            return found

    async def pods(self) -> list[dict[str, Any]]:
        async with self.api() as api, api.get("/api/v1/namespaces/default/pods") as response:
            return list((await response.json())["items"])

    async def until_phase(self, name: str, *phases: str, within_s: float = 60.0) -> dict[str, Any]:
        give_up_at = time.monotonic() + within_s
        while True:
            found = await self.match(name)
            if found.get("status", {}).get("phase") in phases:
                return found
            assert time.monotonic() < give_up_at, f"{yaml.safe_dump(found)}\n{self.log()[-6000:]}"
            await asyncio.sleep(0.1)

    async def fleet(self) -> dict[str, Any]:
        path = "/apis/matchfleet.dev/v1alpha1/namespaces/default/fleets/eu"
        async with self.api() as api, api.get(path) as response:
            found: dict[str, Any] = await response.json()
            return found

    async def until_fleet(self, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        give_up_at = time.monotonic() + 30.0
        while not is_so((found := await self.fleet()).get("status", {})):
            assert time.monotonic() < give_up_at, f"{yaml.safe_dump(found)}\n{self.log()[-6000:]}"
            await asyncio.sleep(0.1)
        return found

    async def until_gone(self, *, within_s: float = 30.0) -> None:
        give_up_at = time.monotonic() + within_s
        while pods := await self.pods():
            assert time.monotonic() < give_up_at, f"{yaml.safe_dump(pods)}\n{self.log()[-6000:]}"
            await asyncio.sleep(0.1)

    async def until_ready(self) -> None:
        give_up_at = time.monotonic() + 30.0
        async with aiohttp.ClientSession() as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    url = f"http://127.0.0.1:{self.port}/readyz"
                    async with session.get(url) as response:
                        if response.status == 200:
                            return
                assert time.monotonic() < give_up_at, self.log()[-6000:]
                await asyncio.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def install(local_cluster: Any, tmp_path: Path, rabbitmq_url: str) -> Install:
    crds = Path(__file__).parents[3] / "crds"
    cluster = local_cluster("--crds", str(crds), "--image", f"gameserver={PLAYS}")
    return Install(cluster, tmp_path, rabbitmq_url)


async def test_a_match_of_bots_is_played_on_a_real_server_and_leaves_nothing(install: Install):
    await install.apply_fleet()
    async with install.operator() as process:
        await install.until_ready()
        await install.apply_match("bots", seconds=3)
        done = await install.until_phase("bots", "Completed", "Failed")
        assert done["status"]["phase"] == "Completed", done["status"]
        assert done["status"]["result"]["ticks"] == 180
        await install.until_gone()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_an_operator_that_is_killed_at_any_moment_changes_no_outcome(install: Install):
    await install.apply_fleet()
    async with install.operator() as process:
        await install.until_ready()
        await install.apply_match("bots", seconds=4)
        await install.until_phase("bots", "Ready")
        process.kill()
        await process.wait()
    async with install.operator():
        done = await install.until_phase("bots", "Completed", "Failed")
        assert done["status"]["phase"] == "Completed", done["status"]
        await install.until_gone()


def depth(players: int, number: int) -> events.Event:
    said = events.QueueDepth("airhockey", "blitz", {"eu": events.RegionDepth(players, ["eu"])})
    return events.event(
        said,
        event_id=EventId(f"depth-{number}"),
        source="/matchmaker",
        at=datetime.datetime(2026, 5, 4, tzinfo=datetime.UTC),
    )


async def test_players_who_wait_start_servers_and_silence_takes_them_away(
    install: Install, rabbitmq_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("MATCHFLEET_QUEUE_DEPTH_STALE_SECONDS", "4")
    scaler = {"maxWarm": 3, "queueDepth": {}, "scaleDownStabilizationSeconds": 1}
    await install.apply_fleet(autoscale=scaler)
    async with (
        install.operator(),
        rabbitmq.Publisher.connected(rabbitmq_url) as publisher,
    ):
        await install.until_ready()
        await install.until_fleet(lambda status: status.get("desiredWarm") == 0)
        assert await install.pods() == []

        said = asyncio.create_task(_say_again_and_again(publisher))
        found = await install.until_fleet(lambda status: status.get("idle") == 2)
        assert found["status"]["scaling"] == "2 idle servers for 3 waiting players, 2 a match"
        assert found["spec"].get("warm", 0) == 0

        said.cancel()
        found = await install.until_fleet(lambda status: status.get("desiredWarm") == 0)
        assert "the queue depth is not known" in found["status"]["scaling"]
        await install.until_gone()


async def _say_again_and_again(publisher: rabbitmq.Publisher) -> None:
    for number in itertools.count():
        await publisher.publish(depth(3, number))
        await asyncio.sleep(0.5)


async def test_a_process_that_cannot_start_says_what_to_change(install: Install):
    install.private.unlink()
    async with install.operator() as process:
        assert await process.wait() == 2
    assert "MATCHFLEET_OPERATOR_SIGNING_KEYS" in install.log()
