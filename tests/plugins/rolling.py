"""A Fleet of a story's own that is rolled out while Matches of bots are played on it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import installs
import stage as stages

NAME = "rolling"
OF = "airhockey-eu"
WARM, MOST = 3, 10
CANARY_MATCHES = 2
CRASHES = 2


class Rolling:
    """One Fleet called `rolling`, made as another one of the install is."""

    def __init__(self, install: installs.Install) -> None:
        self._kubectl = install.kubectl
        self.template: dict[str, Any] = {}

    async def make(self, *, deadline_s: int) -> None:
        """The Fleet, with its servers idle."""
        spec = (await self._kubectl("get", "fleet", OF, "-o", "json")).json()["spec"]
        spec |= {"region": NAME, "warm": WARM, "max": MOST, "drainSeconds": 5}
        spec |= {"expose": {"type": "PodIP"}}
        spec["strategy"] = {
            "canaryMatches": CANARY_MATCHES,
            "progressDeadlineSeconds": deadline_s,
        }
        spec["crashBudget"] = {"count": CRASHES, "windowSeconds": 600}
        spec.pop("autoscale", None)
        for port in spec.get("ports", ()):
            port.pop("hostPorts", None)
        self.template = spec["template"]
        await self._apply("Fleet", NAME, spec)
        await self.until(lambda s: s.get("idle") == WARM, what="idle servers", within_s=90)

    async def _apply(self, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        manifest = {
            "apiVersion": "matchfleet.dev/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        await self._kubectl("apply", "-f", "-", stdin=json.dumps(manifest).encode())

    async def roll_out(self, **container: Any) -> None:
        """The game's container gets these fields; those that it had before come back first."""
        template = json.loads(json.dumps(self.template))
        for found in template["spec"]["containers"]:
            if found["name"] == "game":
                found |= container
        patch = [{"op": "replace", "path": "/spec/template", "value": template}]
        words = ("patch", "fleet", NAME, "--type=json", "-p", json.dumps(patch))
        await self._kubectl(*words)

    async def status(self) -> dict[str, Any]:
        """The Fleet's status."""
        found: dict[str, Any] = (await self._kubectl("get", "fleet", NAME, "-o", "json")).json()
        return found.get("status") or {}

    async def until(
        self, is_so: Callable[[dict[str, Any]], Any], *, what: str, within_s: float
    ) -> dict[str, Any]:
        """The Fleet's status, once it is as wanted."""
        last: dict[str, Any] = {}

        async def found() -> dict[str, Any] | None:
            nonlocal last
            last = await self.status()
            return last if is_so(last) else None

        try:
            return await stages.until(found, what=what, within_s=within_s, every_s=0.5)
        except Exception as error:
            error.add_note(f"the Fleet says {json.dumps(last)}")
            raise

    async def play(self, names: Sequence[str], *, seconds: int) -> None:
        """Matches of bots, once all are Ready."""
        bots = [{"seat": 0, "kind": "Bot"}, {"seat": 1, "team": 1, "kind": "Bot"}]
        spec = {"game": "airhockey", "mode": "blitz", "region": NAME, "fleets": [NAME]}
        spec |= {"players": bots, "config": {"durationSeconds": seconds}}
        spec["limits"] = {"assignSeconds": 60, "joinSeconds": 30, "maxSeconds": 4 * seconds}
        for name in names:
            await self._apply("Match", name, spec)
        of_matches = [f"match/{name}" for name in names]
        await self._kubectl("wait", "--for=condition=Ready", *of_matches, "--timeout=90s")

    async def phases(self, names: Sequence[str]) -> list[str]:
        """The phase of each Match."""
        listed = (await self._kubectl("get", "matches", "-o", "json")).json()["items"]
        told = {m["metadata"]["name"]: m["status"]["phase"] for m in listed}
        return [told[name] for name in names]

    async def until_completed(self, names: Sequence[str], *, within_s: float) -> None:
        """Every one of them was played to its end."""
        waits = [
            self._kubectl(
                "wait",
                f"match/{name}",
                "--for=jsonpath={.status.phase}=Completed",
                f"--timeout={within_s:.0f}s",
            )
            for name in names
        ]
        await asyncio.gather(*waits)

    async def remove(self) -> None:
        """The Fleet and its Matches go, and their pods with them."""
        await self._kubectl("delete", "fleet", NAME, "--ignore-not-found")
        listed = (await self._kubectl("get", "matches", "-o", "json")).json()["items"]
        mine = [m["metadata"]["name"] for m in listed if m["spec"]["region"] == NAME]
        if mine:
            await self._kubectl("delete", "matches", *mine, "--ignore-not-found", "--timeout=60s")
        label = f"matchfleet.dev/fleet={NAME}"
        await self._kubectl("wait", "--for=delete", "pod", "-l", label, "--timeout=60s")


@contextlib.asynccontextmanager
async def fleet(install: installs.Install, *, deadline_s: int = 300) -> AsyncIterator[Rolling]:
    """The Fleet for the time of the block; a revision must have a server after `deadline_s`."""
    found = Rolling(install)
    try:
        await found.make(deadline_s=deadline_s)
        yield found
    finally:
        await found.remove()


def newest(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a Fleet's status says of its newest revision."""
    told: Mapping[str, Any] = max(status.get("revisions") or [{"number": 0}], key=_number)
    return told


def _number(revision: Mapping[str, Any]) -> int:
    return int(revision["number"])


def condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """One condition of a Fleet."""
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})
