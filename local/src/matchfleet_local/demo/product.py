"""The running product: its addresses, and its parts by name.

A part that crashes is told about and started again, as a cluster would; one that keeps crashing
fails the whole. End-to-end tests stop, kill and start parts through the same object.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from matchfleet_local import servers
from matchfleet_local.demo import children, errors, kubernetes, topology

T = TypeVar("T")
Announce = Callable[[str], None]
MOST_CRASHES = 3
"""So many crashes in a row are too many."""
HEALTHY_AFTER_S = 60.0
"""A part that ran this long has not crashed in a row."""
RESTART_AFTER_S = 0.5


@dataclass(slots=True)
class Product:
    """The running product, by its addresses and its parts.

    Attributes:
        failed: done with an error once a part cannot be kept running.
    """

    files: topology.Files
    ports: topology.Ports
    stores: servers.Datastores
    session: aiohttp.ClientSession
    announce: Announce
    failed: asyncio.Future[None]
    parts: dict[str, children.Child] = field(default_factory=dict)
    _watches: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """The address for players."""
        return topology.api_url(self.ports)

    @property
    def kubeconfig(self) -> Path:
        """How to reach the cluster."""
        return self.files.kubeconfig

    def admin_token(self) -> str:
        """The token of `/v1/admin/*`."""
        return self.files.admin_token.read_text(encoding="utf-8").strip()

    def cluster(self) -> kubernetes.Cluster:
        """The local cluster's API."""
        access = kubernetes.read_access(self.kubeconfig)
        return kubernetes.Cluster(self.session, access, topology.NAMESPACE)

    async def start(self, name: str) -> None:
        """Start a part, keep it running, and wait until it is ready."""
        part = self.parts[name]
        await part.start()
        self._watches[name] = asyncio.create_task(self._keep(part), name=f"keep {name}")
        await self.unless_failed(part.until_ready())

    async def stop(self, name: str) -> None:
        """Stop a part in good order; it stays stopped."""
        await self._let_go(name)
        await self.parts[name].stop()

    async def kill(self, name: str) -> None:
        """Kill a part as a crash would; it stays dead until it is started."""
        await self._let_go(name)
        await self.parts[name].kill()

    async def stop_all(self) -> None:
        """Stop every part: those that use the cluster first, then the cluster with its pods."""
        await asyncio.gather(*(self._let_go(name) for name in self.parts))
        users = [part for name, part in self.parts.items() if name != topology.CLUSTER]
        await asyncio.gather(*(part.stop() for part in users))
        cluster = self.parts.get(topology.CLUSTER)
        # Nobody talks to the datastores any more: they may stop while the pods do.
        await asyncio.gather(self.stores.stop(), *((cluster.stop(),) if cluster else ()))

    async def _let_go(self, name: str) -> None:
        if watch := self._watches.pop(name, None):
            watch.cancel()
            await asyncio.wait([watch])

    async def unless_failed(self, step: Coroutine[Any, Any, T]) -> T:
        """Run a step to its end, or until a part cannot be kept running."""
        task = asyncio.create_task(step)
        try:
            either: set[asyncio.Future[Any]] = {task, self.failed}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self.failed.done():
                self.failed.result()
            return await task
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _keep(self, part: children.Child) -> None:
        """Start a part again when it crashes; give up, and say so, when it keeps crashing."""
        clock = asyncio.get_running_loop().time
        crashes = 0
        while True:
            began = clock()
            code = await part.ended()
            crashes = 1 if clock() - began > HEALTHY_AFTER_S else crashes + 1
            if not part.plan.may_restart or crashes >= MOST_CRASHES:
                break
            self.announce(
                f"{part.name} ended with code {code} and is started again; "
                f"the end of its log:\n{part.log_tail()}"
            )
            await asyncio.sleep(RESTART_AFTER_S)
            await part.start()
        if not self.failed.done():
            failure = errors.ProcessFailed(
                part.name, code=code, times=crashes, log_tail=part.log_tail()
            )
            self.failed.set_exception(failure)
