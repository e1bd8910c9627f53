"""The whole product, running as local processes for as long as a block lasts.

    async with product.running(directory, announce=print) as it:
        it.api_url, it.admin_token(), it.kubeconfig

Everything that can start at once does: the datastores, the keys and the cluster first, then every
process of the product, each of which waits for what it needs. A process that crashes is told about
and started again, as a cluster would; one that keeps crashing fails the whole. End-to-end tests
stop, kill and start parts by name through the same object.
"""

import asyncio
import contextlib
import random
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from matchfleet_local import servers
from matchfleet_local.demo import children, errors, kubernetes, resources, topology
from matchfleet_local.servers import ports

MOST_RESTARTS = 2
RESTART_AFTER_S = 0.5
WARM_WITHIN_S = 60.0
CRDS = Path(__file__).resolve().parents[4] / "crds"
"""The one source of the resources' schema; the demo runs from a checkout."""

Announce = Callable[[str], None]


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
        await part.until_ready(self.session)

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

    async def _keep(self, part: children.Child) -> None:
        """Start a part again when it crashes; give up, and say so, when it keeps crashing."""
        restarts = MOST_RESTARTS if part.plan.may_restart else 0
        for _ in range(restarts):
            code = await part.ended()
            self.announce(
                f"{part.name} ended with code {code} and is started again; "
                f"the end of its log:\n{part.log_tail()}"
            )
            await asyncio.sleep(RESTART_AFTER_S)
            await part.start()
        code = await part.ended()
        if not self.failed.done():
            self.failed.set_exception(
                errors.ProcessFailed(
                    part.name, code=code, times=restarts + 1, log_tail=part.log_tail()
                )
            )


@contextlib.asynccontextmanager
async def running(
    directory: Path, *, announce: Announce = lambda _: None, warm: int = 1
) -> AsyncIterator[Product]:
    """Run the product under `directory`, which is emptied first, until the block ends.

    Args:
        directory: ours alone; made when missing.
        announce: told, in a sentence, what happens.
        warm: idle servers of each Fleet.

    Raises:
        errors.DemoFailed: a part does not start; the message says which, and why.
        servers.errors.ServersError: a datastore does not.
    """
    files = topology.Files(directory)
    prepare(files)
    chosen = ports.plan(
        len(topology.listeners()), is_free=ports.is_free, source=random.SystemRandom()
    )
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        )
        # `failed` may fail when nobody waits for it any more; then the log has it already.
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failed.add_done_callback(lambda future: future.cancelled() or future.exception())
        it = Product(
            files=files,
            ports=topology.ports(chosen),
            stores=servers.Datastores({}),
            session=session,
            announce=announce,
            failed=failed,
        )
        # Processes end before the datastores below them, however far the start came.
        below = await stack.enter_async_context(contextlib.AsyncExitStack())
        stack.push_async_callback(it.stop_all)
        await _Start(it, below, warm=warm).run()
        yield it


def prepare(files: topology.Files) -> None:
    """Empty what an earlier run left, but for the datastores, which look after their own."""
    files.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (files.keys, files.logs, files.cluster):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
    files.queues.write_bytes(resources.queues())


class _Start:
    """The start, whose steps wait for each other and for nothing else.

    Interpreters take seconds to load, and so does RabbitMQ: a process starts as soon as what it
    reads at its start is there, and waits by itself for what it only talks to.
    """

    def __init__(self, it: Product, below: contextlib.AsyncExitStack, *, warm: int) -> None:
        self._it = it
        self._below = below
        self._warm = warm
        self._has_addresses = asyncio.Event()
        self._has_keys = asyncio.Event()
        self._has_cluster = asyncio.Event()

    async def run(self) -> None:
        await _together(
            self._keys(),
            self._cluster(),
            self._datastores(),
            self._migrations(),
            *(self._part(name) for name in topology.SERVED),
        )
        await _warm(self._it, warm=self._warm)

    async def _keys(self) -> None:
        await children.run_once(topology.keys(self._it.files), logs=self._it.files.logs)
        self._has_keys.set()

    async def _cluster(self) -> None:
        it = self._it
        plan = topology.cluster(it.files, it.ports, crds=CRDS)
        it.parts[plan.name] = children.Child(plan, logs=it.files.logs)
        await it.start(plan.name)
        it.announce("the local cluster answers")
        self._has_cluster.set()
        for fleet in resources.fleets(it.files, it.ports, warm=self._warm):
            await it.cluster().create("fleets", fleet)

    async def _datastores(self) -> None:
        it = self._it

        def built(stores: servers.Datastores) -> None:
            it.stores = stores
            self._has_addresses.set()

        await self._below.enter_async_context(
            servers.running(it.files.datastores, announce=it.announce, built=built)
        )
        it.announce("PostgreSQL, Redis and RabbitMQ are ready")

    async def _migrations(self) -> None:
        await self._has_addresses.wait()
        plan = topology.migrations(self._addresses())
        await children.run_once(plan, logs=self._it.files.logs)
        self._it.announce("the database has its schema")

    async def _part(self, name: str) -> None:
        it = self._it
        await self._has_addresses.wait()
        if name in topology.READ_KEYS:
            await self._has_keys.wait()
        if name in topology.USE_CLUSTER:
            await self._has_cluster.wait()
        plan = topology.served(name, it.files, it.ports, self._addresses())
        it.parts[name] = children.Child(plan, logs=it.files.logs)
        await it.start(name)
        it.announce(f"{name} is ready")

    def _addresses(self) -> topology.Datastores:
        stores = self._it.stores
        return topology.Datastores(
            postgres_dsn=stores.postgres.dsn,
            redis_url=stores.redis.url,
            rabbitmq_url=stores.rabbitmq.url,
        )


async def _warm(it: Product, *, warm: int) -> None:
    """Wait until each region has the idle servers it wants."""
    try:
        async with asyncio.timeout(WARM_WITHIN_S):
            while True:
                fleets = await it.cluster().items("fleets")
                if all(fleet.get("status", {}).get("idle", 0) >= warm for fleet in fleets):
                    return
                await asyncio.sleep(children.POLL_S)
    except TimeoutError:
        log = it.parts["operator"].log_tail()
        raise errors.NotReady("an idle game server", within_s=WARM_WITHIN_S, log_tail=log) from None


async def _together(*steps: Coroutine[Any, Any, None]) -> None:
    """Run steps at once; the first that fails ends the others, and is what is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
