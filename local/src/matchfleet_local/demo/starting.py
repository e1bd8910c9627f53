"""Bring the whole product up, and take it down when a block ends.

    async with demo.running(directory, announce=print) as it:
        it.api_url, it.admin_token(), it.kubeconfig

Everything that can start at once does: the datastores, the keys and the cluster first, then every
process of the product, each of which waits for what it needs.
"""

import asyncio
import contextlib
import fcntl
import os
import random
import shutil
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from matchfleet_local import servers
from matchfleet_local.demo import children, errors, product, resources, topology
from matchfleet_local.servers import ports

WARM_WITHIN_S = 60.0
CRDS = Path(__file__).resolve().parents[4] / "crds"
"""The one source of the resources' schema; the demo runs from a checkout."""


@contextlib.asynccontextmanager
async def running(
    directory: Path, *, announce: product.Announce = lambda _: None, warm: int = 1
) -> AsyncIterator[product.Product]:
    """Run the product under `directory`, until the block ends; only after an error do logs stay.

    Args:
        directory: ours alone; made when missing.
        announce: told, in a sentence, what happens.
        warm: idle servers of each Fleet.

    Raises:
        errors.DemoFailed: a part does not start; the message says which, and why.
        servers.errors.ServersError: a datastore does not.
    """
    files = topology.Files(directory)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(held(directory))
        stack.enter_context(_cleared(files))
        prepare(files)
        chosen = ports.plan(
            len(topology.listeners()), is_free=ports.is_free, source=random.SystemRandom()
        )
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        )
        # `failed` may fail when nobody waits for it any more; then the log has it already.
        failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        failed.add_done_callback(lambda future: future.cancelled() or future.exception())
        it = product.Product(
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


@contextlib.contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the directory for one run: a second one would empty it under the first one's feet.

    Raises:
        errors.DirectoryBusy: another run holds it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.DirectoryBusy(directory) from None
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _cleared(files: topology.Files) -> Iterator[None]:
    """Clear the directory at the end, and after Ctrl-C; an error is to be looked into."""
    try:
        yield
    except Exception:
        raise
    except BaseException:
        clear(files)
        raise
    clear(files)


def prepare(files: topology.Files) -> None:
    """Make the directory's own directories anew; the datastores look after theirs."""
    clear(files)
    for path in (files.directory, files.keys, files.logs, files.cluster):
        path.mkdir(mode=0o700, exist_ok=True)
    files.queues.write_bytes(resources.queues())


def clear(files: topology.Files) -> None:
    """Remove what a run leaves, and the directory itself when nothing else is in it."""
    for path in (files.keys, files.logs, files.cluster):
        shutil.rmtree(path, ignore_errors=True)
    files.queues.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        files.directory.rmdir()


class _Start:
    """The start, whose steps wait for each other and for nothing else.

    Interpreters take seconds to load, and so does RabbitMQ: a process starts as soon as what it
    reads at its start is there, and waits by itself for what it only talks to.
    """

    def __init__(self, it: product.Product, below: contextlib.AsyncExitStack, *, warm: int) -> None:
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


async def _warm(it: product.Product, *, warm: int) -> None:
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
