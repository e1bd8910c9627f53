"""Matches in memory, for tests: the same port, and hands with which a test plays the operator."""

import asyncio
import dataclasses
import itertools
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import matches
from matchfleet_contracts import resources, results
from matchfleet_contracts.ids import MatchName, MatchUid, PodName, PodUid


class MemoryMatches:
    """The port `matches.Matches` in memory.

    Attributes:
        pods: what `servers` answers; tests write it.
        is_away: while set, every call raises `errors.Unavailable`.
    """

    def __init__(self) -> None:
        self.pods: list[matches.ServerPod] = []
        self.is_away = False
        self._versions = itertools.count(1)
        self._found: dict[MatchName, matches.MatchResource] = {}
        self._watchers: list[asyncio.Queue[matches.WatchEvent]] = []

    async def create(
        self, name: MatchName, *, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> matches.MatchResource:
        """See the port."""
        self._answer()
        if name in self._found:
            raise errors.ResourceExists(f'matches.matchfleet.dev "{name}" already exists')
        if not {"game", "mode", "region", "fleets"} <= spec.keys():
            raise errors.ResourceRefused("spec wants game, mode, region and fleets")
        return self._store(
            matches.MatchResource(
                name=name,
                uid=MatchUid(str(uuid.uuid4())),
                resource_version="",
                created_s=0.0,
                spec=dict(spec),
                annotations=dict(annotations),
                phase=resources.Phase.PENDING,
            )
        )

    async def get(self, name: MatchName) -> matches.MatchResource:
        """See the port."""
        self._answer()
        if name not in self._found:
            raise errors.ResourceGone(f'matches.matchfleet.dev "{name}" not found')
        return self._found[name]

    async def snapshot(self) -> list[matches.MatchResource]:
        """See the port."""
        self._answer()
        return list(self._found.values())

    async def watch(self) -> AsyncIterator[matches.WatchEvent]:
        """See the port."""
        self._answer()
        arriving: asyncio.Queue[matches.WatchEvent] = asyncio.Queue()
        self._watchers.append(arriving)
        try:
            yield matches.Listed(tuple(self._found.values()))
            while True:
                yield await arriving.get()
        finally:
            self._watchers.remove(arriving)

    async def cancel(self, name: MatchName) -> None:
        """See the port."""
        found = await self.get(name)
        if found.spec.get("desired") != resources.Desired.CANCEL:
            spec = {**found.spec, "desired": resources.Desired.CANCEL.value}
            self._store(dataclasses.replace(found, spec=spec))

    async def delete(self, name: MatchName, *, uid: MatchUid, resource_version: str) -> None:
        """See the port."""
        found = await self.get(name)
        if (found.uid, found.resource_version) != (uid, resource_version):
            raise errors.ResourceConflict("the preconditions do not hold")
        self.remove(name)

    async def servers(self) -> list[matches.ServerPod]:
        """See the port."""
        self._answer()
        return list(self.pods)

    def make_ready(self, name: MatchName, *, pod: str, url: str) -> matches.MatchResource:
        """Play the operator: a server acknowledged."""
        server = resources.Server(pod=PodName(pod), pod_uid=PodUid(f"uid-{pod}"), url=url)
        return self._store(
            dataclasses.replace(self._found[name], phase=resources.Phase.READY, server=server)
        )

    def end(
        self,
        name: MatchName,
        phase: resources.Phase,
        *,
        at_s: float,
        reason: resources.Reason | None = None,
        result: results.Result | None = None,
    ) -> matches.MatchResource:
        """Play the operator: the match is over."""
        return self._store(
            dataclasses.replace(
                self._found[name], phase=phase, ended_s=at_s, reason=reason, result=result
            )
        )

    def remove(self, name: MatchName) -> None:
        """Remove a Match without asking."""
        self._tell(matches.Removed(self._found.pop(name)))

    def _store(self, match: matches.MatchResource) -> matches.MatchResource:
        kept = dataclasses.replace(match, resource_version=str(next(self._versions)))
        self._found[match.name] = kept
        self._tell(matches.Changed(kept))
        return kept

    def _tell(self, event: matches.WatchEvent) -> None:
        for watcher in self._watchers:
            watcher.put_nowait(event)

    def _answer(self) -> None:
        if self.is_away:
            raise errors.Unavailable(store="Kubernetes", detail="told to be away")
