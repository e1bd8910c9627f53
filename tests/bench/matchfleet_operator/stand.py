"""What the operator stands on while it is measured: a real kube-apiserver with etcd, scheduler and
controllers, kwok for nodes and pods, a real RabbitMQ, and game servers that answer over HTTP.

Operators are processes of their own, as in a cluster, so that their time and memory are theirs.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from matchfleet_contracts import keys
from matchfleet_local import servers
from matchfleet_operator.watching import access
from tests.bench.matchfleet_operator import games, kwok, processes
from tests.bench.matchfleet_operator.api import Api, Object, Refused, open_session
from tools.cluster import binaries, control_plane, places

NAMESPACE = "bench"
NODES = 3
READY_S = 90.0
CRDS = places.REPO / "crds"


class GaveUp(Exception):
    """What was waited for did not come."""


@dataclass(slots=True)
class OperatorProcess:
    """One operator at work, and where it tells how it is."""

    child: processes.Child
    health_port: int
    metrics_port: int
    identity: str

    async def is_ready(self, http: aiohttp.ClientSession) -> bool:
        """Whether it says that it works."""
        try:
            async with http.get(f"http://127.0.0.1:{self.health_port}/readyz") as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError):
            return False

    async def mutating_calls(self, http: aiohttp.ClientSession) -> dict[str, float]:
        """Its writes to the API server so far, by verb and resource."""
        async with http.get(f"http://127.0.0.1:{self.metrics_port}/metrics") as response:
            text = await response.text()
        found: dict[str, float] = {}
        for line in text.splitlines():
            if not line.startswith("matchfleet_operator_api_requests_total{"):
                continue
            labels, _, value = line.rpartition(" ")
            told = dict(p.split("=", 1) for p in labels[labels.index("{") + 1 : -1].split(","))
            verb = told["verb"].strip('"')
            if verb not in {"get", "list"}:
                name = f"{verb} {told['resource'].strip(chr(34))}"
                found[name] = found.get(name, 0.0) + float(value)
        return found


@dataclass(slots=True)
class Stand:
    """A running stand."""

    folder: Path
    kube: control_plane.KubeApi
    api: Api
    games: games.Games
    rabbitmq: servers.RabbitServer
    control: dict[str, processes.Child]
    http: aiohttp.ClientSession
    _count: int = field(default=0)

    async def apply_fleet(self, name: str, *, warm: int, most: int) -> None:
        """Makes a Fleet, or changes its size."""
        spec = {"warm": warm, "max": most}
        try:
            await self.api.call("PATCH", self.api.path("fleets", name), {"spec": spec})
        except Refused as refused:
            if refused.status != 404:
                raise
            await self.api.call("POST", self.api.path("fleets"), self._fleet(name, spec))

    def _fleet(self, name: str, size: Object) -> Object:
        container = {
            "name": "game",
            "image": "game:1",
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        }
        return {
            "apiVersion": "matchfleet.dev/v1alpha1",
            "kind": "Fleet",
            "metadata": {"name": name},
            "spec": {
                "game": "airhockey",
                "region": "eu",
                "expose": {"type": "PodIP"},
                "controlPort": self.games.port,
                "drainSeconds": 5,
                "template": {"spec": {"containers": [container]}},
            }
            | size,
        }

    async def create_match(
        self, name: str, fleet: str, *, ttl_s: int = 0, max_s: int = 3600
    ) -> None:
        """Makes a Match of two players, as the matchmaker does."""
        players = [{"seat": seat, "team": seat, "kind": "Human"} for seat in (0, 1)]
        for player in players:
            player["id"] = str(uuid.uuid4())
        body = {
            "apiVersion": "matchfleet.dev/v1alpha1",
            "kind": "Match",
            "metadata": {"name": name},
            "spec": {
                "game": "airhockey",
                "mode": "blitz",
                "region": "eu",
                "fleets": [fleet],
                "players": players,
                "config": {"durationSeconds": 20},
                "ranked": True,
                "limits": {"assignSeconds": 120, "joinSeconds": 30, "maxSeconds": max_s},
                "ttlSecondsAfterFinished": ttl_s,
            },
        }
        await self.api.call("POST", self.api.path("matches"), body)

    async def until(
        self,
        is_so: Callable[[], Awaitable[Any]],
        *,
        within_s: float,
        what: str,
        every_s: float = 0.25,
    ) -> Any:
        """Asks again and again until the answer is true; the answer.

        Raises:
            GaveUp: it never was.
        """
        give_up_at = time.monotonic() + within_s
        while True:
            answer = await is_so()
            if answer:
                return answer
            if time.monotonic() >= give_up_at:
                raise GaveUp(f"{what}: not within {within_s:.0f} s")
            await asyncio.sleep(every_s)

    async def until_idle(self, fleet: str, count: int, *, within_s: float = 120.0) -> None:
        """Waits until a Fleet says that so many servers are idle."""

        async def enough() -> bool:
            found = await self.api.get("fleets", fleet)
            return int(found.get("status", {}).get("idle", 0)) >= count

        await self.until(enough, within_s=within_s, what=f"{count} idle servers of {fleet}")

    async def remove_all(self) -> None:
        """Removes every Match, Fleet and pod, while an operator is at work."""
        for plural in ("matches", "fleets"):
            await self.api.call("DELETE", self.api.path(plural))

        async def nothing_left() -> bool:
            left = [await self.count(plural) for plural in ("matches", "fleets", "pods")]
            return not any(left)

        await self.until(nothing_left, within_s=240, what="an empty namespace", every_s=1.0)

    async def count(self, plural: str) -> int:
        """How many objects of a kind there are."""
        page = await self.api.get(plural, query="?limit=1")
        return len(page["items"]) + int(page["metadata"].get("remainingItemCount") or 0)

    # ---- operators

    def start_operator(self, **env: str) -> OperatorProcess:
        """Starts an operator; it is the caller's to stop."""
        self._count += 1
        identity = f"operator-{self._count}"
        ports = control_plane.free_ports(2)
        child = processes.Child(
            [sys.executable, "-m", "matchfleet_operator"],
            log=self.folder / f"{identity}.log",
            env={
                "MATCHFLEET_KUBECONFIG": str(self.kube.kubeconfig),
                "MATCHFLEET_NAMESPACE": NAMESPACE,
                "MATCHFLEET_POD_NAME": identity,
                "MATCHFLEET_RABBITMQ_URL": self.rabbitmq.url,
                "MATCHFLEET_OPERATOR_SIGNING_KEYS": str(self.folder / "signing.json"),
                "MATCHFLEET_API_PUBLIC_KEYS": str(self.folder / "public.json"),
                "MATCHFLEET_HEALTH_HOST": "127.0.0.1",
                "MATCHFLEET_METRICS_HOST": "127.0.0.1",
                "MATCHFLEET_HEALTH_PORT": str(ports[0]),
                "MATCHFLEET_METRICS_PORT": str(ports[1]),
                # As in a container: nothing else of this environment is told.
                "PYTHONSAFEPATH": "1",
                **{f"MATCHFLEET_{key.upper()}": value for key, value in env.items()},
            },
        )
        return OperatorProcess(child, ports[0], ports[1], identity)

    async def until_ready(self, operator: OperatorProcess) -> None:
        """Waits until an operator says that it works."""

        async def is_ready() -> bool:
            if not operator.child.is_running:
                raise GaveUp(f"the operator ended:\n{operator.child.tail()}")
            return await operator.is_ready(self.http)

        await self.until(is_ready, within_s=READY_S, what="a ready operator", every_s=0.05)

    @contextlib.asynccontextmanager
    async def operating(self, **env: str) -> AsyncIterator[OperatorProcess]:
        """An operator at work for the time of the block."""
        operator = self.start_operator(**env)
        try:
            await self.until_ready(operator)
            yield operator
        finally:
            await operator.child.stop()


@contextlib.asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[Stand]:
    """The stand for the time of the block; logs and data are under `folder`."""
    where = places.own_places()
    program = kwok.ensure(where)
    kube_program = binaries.ensure(binaries.KUBE, where=where)
    _prepare(folder)
    async with contextlib.AsyncExitStack() as stack:
        kube = stack.enter_context(control_plane.running(folder / "kube", kube=kube_program))
        stores = await stack.enter_async_context(
            servers.running(folder / "servers", postgres=False, redis=False)
        )
        reach = access.of_kubeconfig(kube.kubeconfig)
        raw = Api(await stack.enter_async_context(open_session(reach)), NAMESPACE)
        http = await stack.enter_async_context(aiohttp.ClientSession())
        playing = games.Games()
        await playing.serve(stack)
        _apply_crds(kube)
        kube.kubectl("create", "namespace", NAMESPACE)
        stand = Stand(folder, kube, raw, playing, stores.rabbitmq, {}, http)
        scheduler: list[str | Path] = [
            *(kube_program, "kube-scheduler", f"--kubeconfig={kube.kubeconfig}"),
            *("--leader-elect=false", "--secure-port=0"),
        ]
        stand.control["scheduler"] = await stack.enter_async_context(
            processes.running(scheduler, log=folder / "scheduler.log")
        )
        stand.control["kwok"] = await stack.enter_async_context(kwok.running(program, kube, folder))
        await kwok.add_nodes(raw, NODES)
        await stand.until(lambda: _has_account(stand), within_s=30, what="a service account")
        yield stand


def _prepare(folder: Path) -> None:
    (folder / "servers").mkdir(parents=True, exist_ok=True)
    # The account that serves RabbitMQ must be able to pass.
    folder.chmod(0o711)
    signing = keys.new_signing_key(os.urandom(keys.SEED_BYTES))
    (folder / "signing.json").write_bytes(keys.encode_private([signing]))
    (folder / "public.json").write_bytes(keys.encode_public([signing]))


def _apply_crds(kube: control_plane.KubeApi) -> None:
    for name in ("matches.yaml", "fleets.yaml"):
        kube.kubectl("apply", "-f", str(CRDS / name))
    kube.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


async def _has_account(stand: Stand) -> bool:
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    return bool(json.loads(await stand.api.call("GET", path))["items"])


KILL = signal.SIGKILL
