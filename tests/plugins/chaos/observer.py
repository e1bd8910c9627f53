"""Writes down every Match and pod as the API server held it, and plays the kubelet on the way.

It watches the API server itself, past all faults. Versions of one etcd are in one order, so what
two watches told can be put in the order in which it happened.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from operator_bench import Bench

from matchfleet_contracts.resources import ANNOTATION_MATCH_UID

Object = dict[str, Any]
NODE = "node-1"


@dataclass(frozen=True, slots=True)
class Seen:
    """One object at one version. change: ADDED, MODIFIED or DELETED."""

    version: int
    plural: str
    change: str
    found: Object


@dataclass(slots=True)
class Observer:
    """What was seen, and the kubelet that acts on it."""

    bench: Bench
    history: list[Seen] = field(default_factory=list)
    now: dict[str, dict[str, Object]] = field(default_factory=lambda: {"matches": {}, "pods": {}})
    _busy: set["asyncio.Task[None]"] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watches for the time of the block."""
        tasks = [asyncio.create_task(self._watch(plural)) for plural in ("matches", "pods")]
        try:
            yield
        finally:
            for task in (*tasks, *self._busy):
                task.cancel()
            ends = await asyncio.gather(*tasks, *self._busy, return_exceptions=True)
            for end in ends:
                # One that could not see on saw nothing go wrong.
                if isinstance(end, Exception):
                    raise end

    def in_order(self) -> list[Seen]:
        """All that was seen, as it happened."""
        return sorted(self.history, key=lambda seen: seen.version)

    async def _watch(self, plural: str) -> None:
        path = self.bench.path(plural)

        async def version_now() -> str:
            # A resource that was just defined is not served at once.
            status, answer = await self.bench.ask("GET", path)
            return str(answer["metadata"]["resourceVersion"]) if status == 200 else ""

        version = await self.bench.until(version_now)
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "600"}
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.bench.http.get(path, params=query, timeout=timeout) as answer:
            while line := await answer.content.readline():
                told = json.loads(line)
                self._take(plural, told["type"], told["object"])

    def _take(self, plural: str, change: str, found: Object) -> None:
        meta = found["metadata"]
        self.history.append(Seen(int(meta["resourceVersion"]), plural, change, found))
        if change == "DELETED":
            self.now[plural].pop(meta["name"], None)
            return
        self.now[plural][meta["name"]] = found
        if plural == "pods":
            task = asyncio.create_task(self._serve(found))
            self._busy.add(task)
            task.add_done_callback(self._busy.discard)

    async def _serve(self, pod: Object) -> None:
        """What a scheduler and a kubelet do about a pod; one that changed meanwhile comes again."""
        name, meta = pod["metadata"]["name"], pod["metadata"]
        path = self.bench.path("pods", name)
        has_ended = pod["status"]["phase"] in {"Succeeded", "Failed"}
        if "deletionTimestamp" in meta:
            if not has_ended:
                await self.bench.ask("PATCH", f"{path}/status", self.bench.ended(exit_code=143))
            elif meta.get("deletionGracePeriodSeconds"):
                await self.bench.ask("DELETE", path, {"gracePeriodSeconds": 0})
        elif "nodeName" not in pod["spec"]:
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
            await self.bench.ask("POST", f"{path}/binding", {**binding, "target": target})
        elif pod["status"]["phase"] == "Pending":
            await self.bench.ask("PATCH", f"{path}/status", self.bench.running())


def claimed_for(pod: Object) -> str:
    """The Match (uid) that a pod was claimed for, if any."""
    return str((pod["metadata"].get("annotations") or {}).get(ANNOTATION_MATCH_UID, ""))


def is_live(pod: Object) -> bool:
    """Whether it plays, or could: it has not ended and was not told to."""
    has_ended = pod["status"]["phase"] in {"Succeeded", "Failed"}
    return not has_ended and "deletionTimestamp" not in pod["metadata"]


def is_idle(pod: Object) -> bool:
    """Whether it waits for a Match, ready to play."""
    ready = any(
        c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ())
    )
    return is_live(pod) and ready and not claimed_for(pod)
