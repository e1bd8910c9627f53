"""Part `real`: the product on kind, its game servers real pods and its operator the chart's.

A Fleet of the bench's own takes the template of the product's, so the servers are the product's. It
is brought up by `make up` unless it is up, and left up.
"""

import asyncio
import os
import subprocess
import time
from pathlib import Path

from matchfleet_operator.watching import access
from tests.bench.matchfleet_operator import api, figures, ledger
from tests.bench.matchfleet_operator.stand import GaveUp
from tools.cluster import errors, places, records

MOST_S = 900.0
KEYS = ("claim_p50_ms", "claim_p99_ms", "claims_per_s_real", "cold_p95_s")
CLUSTER = "matchfleet"
NAMESPACE = "matchfleet"
PATTERN = "airhockey-eu"
FLEET = "bench-real"
UP_WITHIN_S = 600.0
SERIAL, SERIAL_WARM = 50, 4
BURST = 40
COLD = 12
MOST = 60


class _Real:
    """The bench's Fleet on the cluster, and the Matches that turn to it."""

    def __init__(self, http: api.Api) -> None:
        self._http = http
        self.ledger = ledger.Ledger()

    def tell(self, change: str, match: api.Seen, at: float) -> None:
        """Each step has a ledger of its own."""
        self.ledger.tell(change, match, at)

    async def make_fleet(self) -> None:
        found = await self._http.get("fleets", PATTERN)
        template = found["spec"]["template"]
        for container in template["spec"]["containers"]:
            # Forty servers, most of them idle, on a node of two cores.
            container["resources"] = {"requests": {"cpu": "5m", "memory": "32Mi"}}
        spec = {
            "game": found["spec"]["game"],
            "region": "bench",
            "warm": 0,
            "max": MOST,
            "expose": {"type": "PodIP"},
            "template": template,
        }
        await self._create("fleets", "Fleet", FLEET, spec)

    async def _create(self, plural: str, kind: str, name: str, spec: api.Object) -> None:
        body = {
            "apiVersion": "matchfleet.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        await self._http.call("POST", self._http.path(plural), body)

    async def size(self, warm: int) -> None:
        body = {"spec": {"warm": warm}}
        await self._http.call("PATCH", self._http.path("fleets", FLEET), body)

    async def until_calm(self, warm: int, *, within_s: float) -> None:
        """Waits until so many servers are idle and none starts or stops."""
        give_up_at = time.monotonic() + within_s
        while True:
            told = (await self._http.get("fleets", FLEET)).get("status", {})
            moving = any(told.get(key, 0) for key in ("starting", "busy", "draining"))
            if told.get("idle", 0) == warm and not moving:
                return
            if time.monotonic() > give_up_at:
                raise GaveUp(f"{FLEET} has not {warm} idle servers: {told}")
            await asyncio.sleep(0.2)

    async def match(self, name: str, *, seconds: int = 1) -> ledger.Life:
        """Asks for a Match of two bots; they begin at once and play so long."""
        self.ledger.ask(name)
        players = [{"seat": seat, "team": seat, "kind": "Bot"} for seat in (0, 1)]
        spec = {
            "game": "airhockey",
            "mode": "bench",
            "region": "bench",
            "fleets": [FLEET],
            "players": players,
            "config": {"durationSeconds": seconds},
            "limits": {"assignSeconds": 60, "joinSeconds": 30, "maxSeconds": 60},
            "ttlSecondsAfterFinished": 0,
        }
        await self._create("matches", "Match", name, spec)
        return self.ledger.lives[name]

    async def until_ready(self, count: int, *, within_s: float) -> None:
        give_up_at = time.monotonic() + within_s
        while self.ledger.ready < count:
            if time.monotonic() > give_up_at:
                raise GaveUp(f"{self.ledger.ready} of {count} Matches are Ready")
            await asyncio.sleep(0.005)

    async def remove(self) -> None:
        await self._http.call("DELETE", self._http.path("fleets", FLEET))


async def measure(told: figures.Figures, folder: Path) -> None:
    """Claims one at a time, cold starts, and a burst."""
    await asyncio.to_thread(_up)
    kubeconfig = await asyncio.to_thread(_kubeconfig, folder)
    async with api.open_session(access.of_kubeconfig(kubeconfig)) as session:
        found = _Real(api.Api(session, NAMESPACE))
        await found.make_fleet()
        ready = asyncio.Event()
        watching = asyncio.create_task(api.Api(session, NAMESPACE).watch(found.tell, ready))
        try:
            await ready.wait()
            await _cold(found, told)
            await _serial(found, told)
            await _burst(found, told)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await found.remove()


async def _cold(found: _Real, told: figures.Figures) -> None:
    found.ledger = ledger.Ledger()
    for n in range(COLD):
        await found.until_calm(0, within_s=60)
        await found.match(f"bench-cold-{n}")
        await found.until_ready(n + 1, within_s=60)
    took = [ms / 1000 for ms in found.ledger.claim_ms()]
    told.put("cold_p95_s", figures.percentile(took, 0.95))
    told.notes.append(f"cold starts: {', '.join(f'{s:.1f}' for s in took)} s")


async def _serial(found: _Real, told: figures.Figures) -> None:
    await found.size(SERIAL_WARM)
    found.ledger = ledger.Ledger()
    for n in range(SERIAL):
        await found.until_calm(SERIAL_WARM, within_s=60)
        await found.match(f"bench-one-{n}")
        await found.until_ready(n + 1, within_s=60)
    took = found.ledger.claim_ms()
    told.put("claim_p50_ms", figures.percentile(took, 0.5))
    told.put("claim_p99_ms", figures.percentile(took, 0.99))


async def _burst(found: _Real, told: figures.Figures) -> None:
    await found.size(BURST)
    await found.until_calm(BURST, within_s=240)
    found.ledger = ledger.Ledger()
    await asyncio.gather(*(found.match(f"bench-many-{n}", seconds=20) for n in range(BURST)))
    await found.until_ready(BURST, within_s=60)
    told.put("claims_per_s_real", found.ledger.claims_per_s())
    if found.ledger.wrong:
        told.notes.append(f"wrong on real pods: {found.ledger.wrong[:5]}")


def _up() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "up", "QUICK=1"],
        cwd=places.REPO,
        capture_output=True,
        text=True,
        check=False,
        timeout=UP_WITHIN_S,
    )
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise errors.ClusterError(f"make up failed: {' '.join(last)}")


def _kubeconfig(folder: Path) -> Path:
    where = places.own_places()
    record = records.read(CLUSTER, where=where)
    if record is None:
        raise errors.ClusterError("no cluster is up")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kind.kubeconfig"
    path.touch(mode=0o600)
    view = ["config", "view", "--minify", "--flatten", "--raw", "--context", record.context]
    path.write_text(
        subprocess.run(
            [str(where.binaries / "kubectl"), *view],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        ).stdout
    )
    return path
