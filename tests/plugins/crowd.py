"""A burst of Matches of bots on a Fleet of a story's own, watched as a person with kubectl would.

What is seen at any moment is kept, so that a Match that had two servers at once, or a Fleet that
grew beyond its bound, is found however short that was seen.
"""

import asyncio
import collections
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import commands
import installs_kind
import stage as stages

NAME = "crowd"
WARM, MOST = 2, 6
SECONDS = 2
LEASE = "matchfleet-operator"


@dataclass(slots=True)
class Seen:
    """What was wrong at any moment, and how far the burst is."""

    doubled: set[str] = field(default_factory=set)
    most_servers: int = 0
    looks: int = 0


class Crowd:
    """The Fleet called `crowd`, its Matches, and the operators that serve them."""

    def __init__(self, cluster: installs_kind.KindInstall) -> None:
        self._cluster = cluster
        self._kubectl = cluster.kubectl
        self.seen = Seen()

    async def make(self) -> None:
        """The Fleet, as the chart's own but small and without ports of the node."""
        chart = (await self._kubectl("get", "fleet", "airhockey-us", "-o", "json")).json()["spec"]
        chart |= {"region": NAME, "warm": WARM, "max": MOST, "expose": {"type": "PodIP"}}
        chart.pop("autoscale", None)
        for port in chart.get("ports", ()):
            port.pop("hostPorts", None)
        await self._apply(_object("Fleet", NAME, chart))

    async def arrive(self, count: int, *, seconds: int = SECONDS) -> list[str]:
        """So many Matches at once; their names."""
        names = [f"{NAME}-{number:02}" for number in range(count)]
        bots = [{"seat": 0, "kind": "Bot"}, {"seat": 1, "team": 1, "kind": "Bot"}]
        spec = {"game": "airhockey", "mode": "blitz", "region": NAME, "fleets": [NAME]}
        spec |= {"players": bots, "config": {"durationSeconds": seconds}}
        spec |= {"limits": {"assignSeconds": 600, "joinSeconds": 30, "maxSeconds": 120}}
        items = [_object("Match", name, spec) for name in names]
        await self._apply({"apiVersion": "v1", "kind": "List", "items": items})
        return names

    async def _apply(self, manifest: dict[str, Any]) -> None:
        await self._kubectl("apply", "-f", "-", stdin=json.dumps(manifest).encode())

    async def look(self) -> collections.Counter[str]:
        """How many Matches are in which phase; what is wrong now is kept in `seen`."""
        listed = await self._kubectl("get", "matches,pods", "-o", "json")
        phases: collections.Counter[str] = collections.Counter()
        servers: collections.Counter[str] = collections.Counter()
        pods = 0
        for item in listed.json()["items"]:
            meta, status = item["metadata"], item.get("status", {})
            if item["kind"] == "Match" and item["spec"]["region"] == NAME:
                phases[status.get("phase", "Pending")] += 1
            elif meta.get("labels", {}).get("matchfleet.dev/fleet") == NAME:
                if _has_ended(item):
                    continue
                pods += 1
                if match := meta.get("annotations", {}).get("matchfleet.dev/match-uid"):
                    servers[match] += 1
        self.seen.doubled |= {match for match, count in servers.items() if count > 1}
        self.seen.most_servers = max(self.seen.most_servers, pods)
        self.seen.looks += 1
        return phases

    async def until(self, *, over: int, within_s: float) -> collections.Counter[str]:
        """Wait until so many Matches are over; what became of them."""

        async def enough() -> collections.Counter[str] | None:
            phases = await self.look()
            ended = phases["Completed"] + phases["Failed"] + phases["Cancelled"]
            return phases if ended >= over else None

        what = f"the end of {over} matches"
        return await stages.until(enough, what=what, within_s=within_s, every_s=0.5)

    async def statuses(self) -> dict[str, dict[str, Any]]:
        """The status of each Match, by name."""
        listed = (await self._kubectl("get", "matches", "-o", "json")).json()["items"]
        return {m["metadata"]["name"]: m["status"] for m in listed if m["spec"]["region"] == NAME}

    # ---- the operators

    async def leader(self, *, other_than: str = "", within_s: float = 30.0) -> str:
        """The pod of the operator that leads."""

        async def found() -> str | None:
            lease = (await self._kubectl("get", "lease", LEASE, "-o", "json")).json()
            holder, _, _ = lease.get("spec", {}).get("holderIdentity", "").rpartition("_")
            return holder if holder and holder != other_than else None

        return await stages.until(found, what="a leader", within_s=within_s, every_s=0.2)

    async def kill_in_its_node(self, pod: str) -> None:
        """SIGKILL to an operator's process, as the kernel would."""
        words = ("get", "pod", pod, "-o", "jsonpath={.spec.nodeName}")
        node = (await self._kubectl(*words)).out
        find = f'grep -lz "^MATCHFLEET_POD_NAME={pod}$" /proc/[0-9]*/environ | cut -d/ -f3'
        await commands.run("docker", "exec", node, "sh", "-c", f"kill -9 $({find} 2>/dev/null)")

    async def remove(self) -> None:
        """The Fleet and its Matches go, and their pods with them."""
        await self._kubectl("delete", "fleet", NAME, "--ignore-not-found")
        if mine := list(await self.statuses()):
            await self._kubectl("delete", "matches", *mine, "--timeout=60s")
        label = f"matchfleet.dev/fleet={NAME}"
        await self._kubectl("wait", "--for=delete", "pod", "-l", label, "--timeout=60s")


def _has_ended(pod: dict[str, Any]) -> bool:
    """Whether a pod serves nobody any more, though the kubelet may not have cleaned up yet."""
    status = pod["status"]
    containers = status.get("containerStatuses", ())
    return (
        "deletionTimestamp" in pod["metadata"]
        or status.get("phase") in {"Succeeded", "Failed"}
        or any("terminated" in c.get("state", {}) for c in containers)
    )


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "matchfleet.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


@contextlib.asynccontextmanager
async def gathered(cluster: installs_kind.KindInstall) -> AsyncIterator[Crowd]:
    """The Fleet for the time of the block."""
    found = Crowd(cluster)
    try:
        await found.make()
        yield found
    finally:
        await asyncio.shield(found.remove())
