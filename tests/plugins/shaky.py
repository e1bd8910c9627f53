"""A Fleet of a story's own on a cluster, whose servers may be hurt without touching another story.

Its game server is the product's with one thing more, a thread that eats all memory once a file says
so: what it then does is up to the kernel, the kubelet and the operator.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import commands
import installs
import installs_kind
import stage as stages

NAME = "shaky"
EAT = "/tmp/eat"  # noqa: S108  a path in a container of our own
HUNGRY = f"""
import os, runpy, sys, threading, time

def eat():
    while not os.path.exists("{EAT}"):
        time.sleep(0.2)
    held = []
    while True:
        held.append(bytearray(8 << 20))

threading.Thread(target=eat, daemon=True).start()
runpy.run_module("matchfleet_gameserver", run_name="__main__")
"""
LONG_S = 600
DRAIN_S = 4


class Shaky:
    """One Fleet called `shaky` with one warm server, and Matches of bots on it."""

    def __init__(self, cluster: installs_kind.KindInstall) -> None:
        self._cluster = cluster
        self._kubectl = cluster.kubectl

    async def apply(self, manifest: Mapping[str, Any]) -> None:
        """kubectl apply."""
        await self._kubectl("apply", "-f", "-", stdin=json.dumps(manifest).encode())

    async def make(self, disruption: Mapping[str, Any]) -> None:
        """The Fleet, as the chart's own but for what it may suffer; returns once one is idle."""
        chart = (await self._kubectl("get", "fleet", "airhockey-us", "-o", "json")).json()["spec"]
        chart |= {"region": NAME, "warm": 1, "max": 3, "drainSeconds": DRAIN_S}
        chart |= {"expose": {"type": "PodIP"}, "disruption": dict(disruption)}
        chart.pop("autoscale", None)
        for port in chart.get("ports", ()):
            port.pop("hostPorts", None)
        for container in chart["template"]["spec"]["containers"]:
            if container["name"] == "game":
                container["command"] = ["python", "-c", HUNGRY]
        await self.apply(
            {
                "apiVersion": "matchfleet.dev/v1alpha1",
                "kind": "Fleet",
                "metadata": {"name": NAME},
                "spec": chart,
            }
        )
        await self.until_idle()

    async def until_idle(self, *, other_than: str = "") -> str:
        """The name of an idle server, once there is one."""

        async def found() -> str | None:
            label = f"matchfleet.dev/fleet={NAME},matchfleet.dev/state=idle"
            pods = (await self._kubectl("get", "pods", "-l", label, "-o", "json")).json()["items"]
            idle = (
                str(p["metadata"]["name"])
                for p in pods
                if "deletionTimestamp" not in p["metadata"] and _is_ready(p)
            )
            return next((name for name in idle if name != other_than), None)

        return await stages.until(found, what="an idle server", within_s=60, every_s=0.3)

    async def play(self, match: str, *, seconds: int = LONG_S) -> tuple[str, str]:
        """A Match of bots, once it is Ready: its pod and node."""
        bots = [{"seat": 0, "kind": "Bot"}, {"seat": 1, "team": 1, "kind": "Bot"}]
        spec = {"game": "airhockey", "mode": "blitz", "region": NAME, "fleets": [NAME]}
        spec |= {"players": bots, "config": {"durationSeconds": seconds}}
        await self.apply(
            {
                "apiVersion": "matchfleet.dev/v1alpha1",
                "kind": "Match",
                "metadata": {"name": match},
                "spec": spec,
            }
        )
        await self._kubectl("wait", "--for=condition=Ready", f"match/{match}", "--timeout=60s")
        server = (await self.status(match))["server"]
        return server["pod"], server["node"]

    async def status(self, match: str) -> dict[str, Any]:
        """A Match's status."""
        found: dict[str, Any] = (await self._kubectl("get", "match", match, "-o", "json")).json()[
            "status"
        ]
        return found

    async def until_over(self, match: str, *, within_s: float = 60.0) -> dict[str, Any]:
        """Its status, once its end is published."""
        waits = ("--for=condition=ResultPublished", f"--timeout={within_s:.0f}s")
        await self._kubectl("wait", f"match/{match}", *waits)
        return await self.status(match)

    async def evict(self, pod: str) -> installs.Done:
        """Ask the eviction API to end a pod, as `kubectl drain` and autoscalers do."""
        place = f"/api/v1/namespaces/{self._cluster.namespace}/pods/{pod}/eviction"
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": self._cluster.namespace},
        }
        words = ("create", "--raw", place, "-f", "-")
        return await self._kubectl(*words, stdin=json.dumps(body).encode(), check=False)

    async def make_hungry(self, pod: str) -> None:
        """The server eats memory until somebody ends it."""
        words = ("exec", pod, "-c", "game", "--", "python", "-c", f"open('{EAT}', 'w').close()")
        await self._kubectl(*words)

    async def freeze(self, pod: str, node: str) -> None:
        """SIGSTOP to the server's process, from its node: it hangs, and no thread of it runs."""
        find = f'grep -lz "^MATCHFLEET_POD_NAME={pod}$" /proc/[0-9]*/environ | cut -d/ -f3'
        words = ("exec", node, "sh", "-c", f"kill -STOP $({find} 2>/dev/null)")
        await commands.run("docker", *words)

    @contextlib.asynccontextmanager
    async def drained(self, node: str) -> AsyncIterator["asyncio.Task[installs.Done]"]:
        """`kubectl drain` under way; the node takes servers again afterwards."""
        words = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=120s")
        drain = asyncio.ensure_future(self._kubectl("drain", node, *words))
        try:
            yield drain
        finally:
            drain.cancel()
            await asyncio.wait([drain])
            await self._kubectl("uncordon", node)

    async def remove(self) -> None:
        """The Fleet and its Matches go, and their pods with them."""
        label = f"matchfleet.dev/fleet={NAME}"
        await self._kubectl("delete", "fleet", NAME, "--ignore-not-found")
        listed = (await self._kubectl("get", "matches", "-o", "json")).json()["items"]
        mine = [m["metadata"]["name"] for m in listed if m["spec"]["region"] == NAME]
        if mine:
            await self._kubectl("delete", "matches", *mine, "--timeout=60s")
        await self._kubectl("wait", "--for=delete", "pod", "-l", label, "--timeout=60s")


@contextlib.asynccontextmanager
async def fleet(cluster: installs_kind.KindInstall, **disruption: Any) -> AsyncIterator[Shaky]:
    """The Fleet for the time of the block; keys are those of `spec.disruption`."""
    found = Shaky(cluster)
    try:
        await found.make(disruption)
        yield found
    finally:
        await found.remove()


def _is_ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
