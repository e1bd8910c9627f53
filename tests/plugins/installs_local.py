"""The product as local processes, for stories."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import commands
import installs
import redis.asyncio

from matchfleet_local import demo
from matchfleet_local.demo import children
from matchfleet_local.servers import packages, processes


class LocalInstall:
    """Stories on `matchfleet_local.demo.product`."""

    name = "local"

    def __init__(self, running: demo.Product) -> None:
        self._it = running
        self.api_url = running.api_url

    async def admin_token(self) -> str:
        """From the file that `matchfleet_api keys` wrote."""
        return self._it.admin_token()

    async def kubectl(
        self, *arguments: str, check: bool = True, stdin: bytes | None = None
    ) -> installs.Done:
        """The machine's kubectl, with the local cluster's kubeconfig."""
        program = shutil.which("kubectl", path=commands.search_path(os.environ))
        assert program, "kubectl is not installed: `make doctor` says how to get it"
        words = (program, "--kubeconfig", str(self._it.kubeconfig), *arguments)
        return await commands.run(*words, check=check, stdin=stdin)

    async def sql(self, query: str) -> list[list[str]]:
        """Straight from PostgreSQL."""
        connection = await asyncpg.connect(self._it.stores.postgres.dsn)
        try:
            rows = await connection.fetch(query)
        finally:
            await connection.close()
        return [[_text(value) for value in row.values()] for row in rows]

    async def kill_pod(self, pod: str) -> None:
        """SIGKILL, as the kernel would when memory runs out."""
        cluster = self._it.parts["cluster"].pid
        assert cluster is not None
        found = processes.identify(cluster)
        assert found is not None
        for member in processes.family(found):
            if _pod_name(member.pid) == pod:
                processes.send(member, signal.SIGKILL)
                return
        raise AssertionError(f"no process of pod {pod} runs")

    async def kill_operator(self) -> None:
        """SIGKILL; nothing starts it again."""
        await self._it.kill("operator")

    async def start_operator(self) -> None:
        """A new process."""
        await self._it.start("operator")

    async def stop_store(self, store: str) -> None:
        """Stop the server; its data stays."""
        await self._it.stores.members[_server(store)].stop()

    async def start_store(self, store: str) -> None:
        """The same port, the same data."""
        await self._it.stores.members[_server(store)].start()

    async def flush_redis(self) -> None:
        """FLUSHALL."""
        async with redis.asyncio.Redis.from_url(self._it.stores.redis.url) as client:
            await client.flushall()

    async def logs(self) -> dict[str, str]:
        """From the files that the parts write."""
        return {name: part.log_tail() for name, part in self._it.parts.items()}

    async def until_whole(self) -> None:
        """Start what a story left stopped, and wait until each part is ready."""
        for store in ("redis", "rabbitmq"):
            await self.start_store(store)
        for name, part in self._it.parts.items():
            if not part.is_running:
                await self._it.start(name)
        await asyncio.gather(*(part.until_ready() for part in self._parts()))

    def _parts(self) -> list[children.Child]:
        return list(self._it.parts.values())


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[LocalInstall]:
    """The product on this machine, for one session of tests."""
    with _folder() as folder:
        async with demo.running(folder, announce=print) as it:
            yield LocalInstall(it)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="matchfleet-e2e-") as name:
        folder = Path(name)
        # The account that the datastores run as must be able to pass.
        folder.chmod(0o711)
        yield folder


def _server(store: str) -> packages.ServerName:
    return next(name for name in packages.ALL if name == store)


def _pod_name(pid: int) -> str | None:
    """The pod that a process is, by the environment that the operator gave it."""
    try:
        words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    name = b"MATCHFLEET_POD_NAME="
    return next((w.removeprefix(name).decode() for w in words if w.startswith(name)), None)


def _text(value: object) -> str:
    # psql's own words, which the stories on a cluster read.
    if isinstance(value, bool):
        return "t" if value else "f"
    return "" if value is None else str(value)
