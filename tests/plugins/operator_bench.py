"""One namespace of a real API server for a test of the operator, without a cluster.

The kubelet is played by the test: a pod "runs" when the test writes so into its status. Its address
is this machine's, where `game_servers` agrees to assignments as a game server would.
"""

import asyncio
import contextlib
import datetime
import json
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from game_servers import Game

from matchfleet_adapters.rabbitmq import MemoryPublisher
from matchfleet_contracts import clock, keys, results
from matchfleet_contracts.resources import GAME_CONTAINER
from matchfleet_operator import app
from matchfleet_operator.acting import assign, client, publishing
from matchfleet_operator.acting.bucket import Bucket
from matchfleet_operator.leading.fence import Fence
from matchfleet_operator.settings import Settings
from matchfleet_operator.testing import builders
from matchfleet_operator.watching import access
from matchfleet_operator.watching.memory import Memory
from matchfleet_telemetry import health

CRDS = Path(__file__).parents[2] / "crds"
LINE_BYTES = 2**22
"""The longest line of a watch."""
MERGE = "application/merge-patch+json"
Object = dict[str, Any]


class Bench:
    """One namespace, what people do to it, and the operators that serve it."""

    def __init__(
        self, http: aiohttp.ClientSession, namespace: str, reach: access.Access, game: Game
    ) -> None:
        self.http = http
        self.namespace = namespace
        self.reach = reach
        self.game = game
        self.publisher = MemoryPublisher()
        self.files = assign.KeyFiles(signing=Path(), api_public=Path())
        self.operator: app.Operator | None = None

    # ---- the API server, as anybody uses it

    async def call(
        self, method: str, path: str, body: Object | None = None, *, may_be_gone: bool = False
    ) -> Object:
        status, answer = await self.ask(method, path, body)
        assert status < 300 or (may_be_gone and status == 404), answer
        return answer

    async def ask(self, method: str, path: str, body: Object | None = None) -> tuple[int, Object]:
        """What the API server answers, whatever that is."""
        headers = {"Content-Type": MERGE if method == "PATCH" else "application/json"}
        async with self.http.request(method, path, json=body, headers=headers) as response:
            return response.status, await response.json()

    def path(self, plural: str, name: str = "", part: str = "") -> str:
        core = plural in {"pods", "events"} and plural == "pods"
        group = "/api/v1" if core else "/apis/matchfleet.dev/v1alpha1"
        group = "/apis/events.k8s.io/v1" if plural == "events" else group
        parts = [f"{group}/namespaces/{self.namespace}/{plural}", name, part]
        return "/".join(p for p in parts if p)

    def lease_path(self) -> str:
        """The Lease by which one operator leads."""
        group = "/apis/coordination.k8s.io/v1"
        return f"{group}/namespaces/{self.namespace}/leases/matchfleet-operator"

    async def apply_fleet(
        self, name: str = "eu", *, warm: int = 0, most: int = 50, **more: Any
    ) -> None:
        spec = {
            "game": "airhockey",
            "region": "eu",
            "warm": warm,
            "max": most,
            "expose": {"type": "PodIP"},
            "controlPort": self.game.port,
            "drainSeconds": 5,
            "template": {"spec": {"containers": [{"name": "game", "image": "game:1"}]}},
        }
        await self.create("fleets", "Fleet", name, spec | more)

    async def apply_match(self, name: str = "m1", **spec: Any) -> Object:
        body = {
            "game": "airhockey",
            "mode": "blitz",
            "region": "eu",
            "fleets": ["eu"],
            "players": [{"seat": 0, "kind": "Bot"}, {"seat": 1, "kind": "Bot", "team": 1}],
            "limits": {"assignSeconds": 30, "joinSeconds": 30, "maxSeconds": 60},
        }
        return await self.create("matches", "Match", name, body | spec)

    async def create(self, plural: str, kind: str, name: str, spec: Object) -> Object:
        body = {
            "apiVersion": "matchfleet.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        return await self.call("POST", self.path(plural), body)

    async def match(self, name: str = "m1") -> Object:
        return await self.call("GET", self.path("matches", name))

    async def pods(self) -> list[Object]:
        found = await self.call("GET", self.path("pods"))
        return list(found["items"])

    async def delete(self, plural: str, name: str) -> None:
        await self.call("DELETE", self.path(plural, name))

    async def until(
        self,
        is_so: Callable[[], Awaitable[Any]],
        *,
        within_s: float = 15.0,
        every_s: float = 0.02,
        why: str = "",
    ) -> Any:
        """Asks again and again until the answer is true; the answer."""
        give_up_at = time.monotonic() + within_s
        while True:
            answer = await is_so()
            if answer:
                return answer
            assert time.monotonic() < give_up_at, why or await self._state()
            await asyncio.sleep(every_s)

    async def _state(self) -> str:
        matches = await self.call("GET", self.path("matches"))
        told = [m.get("status") for m in matches["items"]]
        pods = [(p["metadata"], p["status"]) for p in await self.pods()]
        for meta, _ in pods:
            meta.pop("managedFields", None)
        return json.dumps({"matches": told, "pods": pods}, indent=1)[:6000]

    async def until_phase(self, phase: str, name: str = "m1", *, within_s: float = 15.0) -> Object:
        async def is_so() -> Object | None:
            found = await self.match(name)
            return found if found["status"]["phase"] == phase else None

        found: Object = await self.until(is_so, within_s=within_s)
        return found

    # ---- the kubelet

    async def run_pod(self, name: str) -> None:
        path = self.path("pods", name, "status")
        await self.call("PATCH", path, self.running(), may_be_gone=True)

    @staticmethod
    def running() -> Object:
        """The status patch of a pod that runs and is ready."""
        at = _now()
        return {
            "status": {
                "phase": "Running",
                "podIP": "127.0.0.1",
                "podIPs": [{"ip": "127.0.0.1"}],
                "hostIP": "127.0.0.1",
                "startTime": at,
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at}],
                "containerStatuses": [_container({"running": {"startedAt": at}}, ready=True)],
            }
        }

    async def end_pod(
        self, name: str, *, message: str = "", exit_code: int = 0, reason: str = "Completed"
    ) -> None:
        status = self.ended(message=message, exit_code=exit_code, reason=reason)
        path = self.path("pods", name, "status")
        found = await self.call("PATCH", path, status, may_be_gone=True)
        if "deletionTimestamp" in found["metadata"]:
            options = {"gracePeriodSeconds": 0}
            # The operator may have let go of it and deleted it in this moment.
            await self.call("DELETE", self.path("pods", name), options, may_be_gone=True)

    @staticmethod
    def ended(*, message: str = "", exit_code: int = 0, reason: str = "Completed") -> Object:
        """The status patch of a pod whose game has ended."""
        at = _now()
        ended = {"exitCode": exit_code, "reason": reason, "message": message, "finishedAt": at}
        return {
            "status": {
                "phase": "Failed" if exit_code else "Succeeded",
                "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": at}],
                "containerStatuses": [_container({"terminated": ended}, ready=False)],
            }
        }

    async def start_pods(self) -> int:
        waiting = [
            p["metadata"]["name"]
            for p in await self.pods()
            if p["status"]["phase"] == "Pending" and "deletionTimestamp" not in p["metadata"]
        ]
        for name in waiting:
            await self.run_pod(name)
        return len(waiting)

    async def until_pods_run(self, count: int) -> None:
        async def enough() -> bool:
            await self.start_pods()
            running = [p for p in await self.pods() if p["status"]["phase"] == "Running"]
            return len(running) >= count

        await self.until(enough)

    async def ready_match(self, name: str = "m1", **spec: Any) -> Object:
        await self.apply_match(name, **spec)

        async def has_server() -> Object | None:
            await self.start_pods()
            found = await self.match(name)
            return found if found["status"]["phase"] == "Ready" else None

        found: Object = await self.until(has_server)
        return found

    async def play(self, found: Object) -> None:
        """A Ready match ends with a valid result."""
        result = builders.a_result("x", match_uid=found["metadata"]["uid"])
        message = results.encode(result).decode()
        await self.end_pod(found["status"]["server"]["pod"], message=message)

    # ---- the operator

    @contextlib.asynccontextmanager
    async def operating(self, **changes: Any) -> AsyncIterator[app.Operator]:
        """An operator at work for the time of the block; it ends as by SIGTERM."""
        stop = asyncio.Event()
        async with self.built(**changes) as operator:
            working = asyncio.create_task(app.work(operator, stop))
            try:
                await self.until(_coroutine(lambda: operator.board.report() is None))
                yield operator
            finally:
                stop.set()
                await working

    @contextlib.asynccontextmanager
    async def built(
        self,
        *,
        reach: access.Access | None = None,
        publisher: publishing.EventPublisher | None = None,
        through: Callable[[assign.Assigner], assign.Assigner] = lambda assigner: assigner,
        **changes: Any,
    ) -> AsyncIterator[app.Operator]:
        """An operator that does not run yet; what it talks through may be chosen."""
        chosen, reach = self._settings(**changes), reach or self.reach
        memory = Memory()
        writes = Bucket(per_s=chosen.writes_per_second, burst=chosen.writes_burst)
        async with (
            client.open_session(reach, connections=64) as session,
            client.open_session(reach, connections=2) as lease_session,
            aiohttp.ClientSession() as pods,
        ):
            yield app.build(
                chosen,
                access=reach,
                api=self._client(chosen, reach, session, Fence(writes, memory)),
                publisher=publisher or self.publisher,
                assigner=through(assign.HttpAssigner(pods, self.files, timeout_s=2.0)),
                board=health.Board("first audit", "watch"),
                memory=memory,
                lease_api=self._client(chosen, reach, lease_session, Bucket(per_s=10, burst=10)),
            )

    def _client(
        self,
        chosen: Settings,
        reach: access.Access,
        session: aiohttp.ClientSession,
        writes: client.Pace,
    ) -> client.Client:
        return client.Client(
            session,
            reach,
            namespace=self.namespace,
            writes=writes,
            timeout_s=chosen.request_timeout_seconds,
        )

    def _settings(self, **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "rabbitmq_url": "amqp://unused",
            "operator_signing_keys": self.files.signing,
            "api_public_keys": self.files.api_public,
            "namespace": self.namespace,
            "audit_seconds": 2.0,
            "stop_seconds": 2.0,
        }
        return Settings(**(values | changes))


def _coroutine(ask: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
    async def asked() -> Any:
        return ask()

    return asked


def _container(state: Object, *, ready: bool) -> Object:
    return {
        "name": GAME_CONTAINER,
        "image": "game:1",
        "imageID": "",
        "ready": ready,
        "restartCount": 0,
        "state": state,
    }


def _now() -> str:
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251  the kubelet's clock
    return clock.rfc3339(now.replace(microsecond=0)).replace(".000000", "")


def apply_crds(kube_api: Any) -> None:
    """Teaches an API server our resources."""
    for name in ("matches.yaml", "fleets.yaml"):
        kube_api.kubectl("apply", "-f", str(CRDS / name))
    kube_api.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


@contextlib.asynccontextmanager
async def opened(kubeconfig: Path, folder: Path) -> AsyncIterator[Bench]:
    """A namespace of its own, without an operator yet; its keys are kept in `folder`."""
    reach = access.of_kubeconfig(kubeconfig)
    signing = keys.new_signing_key(uuid.uuid4().bytes + uuid.uuid4().bytes)
    files = assign.KeyFiles(signing=folder / "signing.json", api_public=folder / "api.json")
    files.signing.write_bytes(keys.encode_private([signing]))
    files.api_public.write_bytes(keys.encode_public([signing]))
    namespace = f"t-{uuid.uuid4().hex[:8]}"
    tls: ssl.SSLContext | bool = reach.tls() or True
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                reach.server,
                headers={"Authorization": f"Bearer {reach.bearer()}"},
                connector=aiohttp.TCPConnector(ssl=tls, limit=0),
                read_bufsize=LINE_BYTES,
            )
        )
        game = Game(keys.decode_public(files.api_public.read_bytes()))
        await game.serve(stack)
        found = Bench(http, namespace, reach, game)
        found.files = files
        await found.call(
            "POST",
            "/api/v1/namespaces",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        )

        async def account() -> bool:
            path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
            return bool((await found.call("GET", path))["items"])

        await found.until(account)
        yield found
