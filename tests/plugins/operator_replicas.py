"""Operators as processes of their own, that may be stopped, woken, killed and asked how they are.

`SlowRoad` stands between one of them and the API server: what is sent while it is closed arrives
when it is opened, however late that is.
"""

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import yaml
from operator_bench import Bench

ENOUGH_HELD = 4
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


class Replica:
    """One operator process."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, port: int, log: Path):
        self.name = name
        self.process = process
        self._port = port
        self._log = log

    def send(self, number: signal.Signals) -> None:
        """A signal."""
        self.process.send_signal(number)

    async def ended(self, *, within_s: float) -> int:
        """Its exit code."""
        return await asyncio.wait_for(self.process.wait(), within_s)

    async def ask(self, path: str) -> tuple[int, str]:
        """Status and body of its metrics port; (0, "") while nobody answers."""
        timeout = aiohttp.ClientTimeout(total=2)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as http,
                http.get(f"http://127.0.0.1:{self._port}{path}") as answer,
            ):
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def metric(self, name: str, **labels: str) -> float:
        """A sample of its metrics; the sum of all that have these labels."""
        _, text = await self.ask("/metrics")
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        return sum(
            float(value)
            for found, given, value in SAMPLE.findall(text)
            if found == name and wanted <= set(given.split(","))
        )

    async def is_ready(self) -> bool:
        """Whether it watches and has looked at everything."""
        return (await self.ask("/readyz"))[0] == 200

    async def leads(self) -> bool:
        """Whether it says so."""
        return await self.metric("matchfleet_operator_leader") == 1

    def log(self) -> str:
        """Its last words."""
        return self._log.read_text()[-4000:]


@contextlib.asynccontextmanager
async def replica(
    bench: Bench, folder: Path, name: str, *, kubeconfig: Path, rabbitmq_url: str, **told: str
) -> AsyncIterator[Replica]:
    """An operator that serves a bench's namespace, for the time of the block."""
    port = free_port()
    environment = {
        "MATCHFLEET_KUBECONFIG": str(kubeconfig),
        "MATCHFLEET_NAMESPACE": bench.namespace,
        "MATCHFLEET_POD_NAME": name,
        "MATCHFLEET_RABBITMQ_URL": rabbitmq_url,
        "MATCHFLEET_OPERATOR_SIGNING_KEYS": str(bench.files.signing),
        "MATCHFLEET_API_PUBLIC_KEYS": str(bench.files.api_public),
        "MATCHFLEET_HEALTH_PORT": "0",
        "MATCHFLEET_METRICS_HOST": "127.0.0.1",
        "MATCHFLEET_METRICS_PORT": str(port),
        "MATCHFLEET_LOG_FORMAT": "console",
    }
    path = folder / f"{name}.log"
    with path.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "matchfleet_operator"),
            env=os.environ | environment | told,
            stdout=log,
            stderr=log,
        )
    found = Replica(name, process, port, path)
    try:
        yield found
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(
    is_so: Callable[[], Awaitable[bool]], *, within_s: float, why: Callable[[], str]
) -> float:
    """Waits for it; how long it took, in seconds."""
    began = time.monotonic()
    while not await is_so():
        assert time.monotonic() - began < within_s, why()
        await asyncio.sleep(0.05)
    return time.monotonic() - began


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class SlowRoad:
    """A way to the API server that can be closed for what is sent to it."""

    def __init__(self, kubeconfig: Path) -> None:
        self._config = yaml.safe_load(kubeconfig.read_text())
        self._cluster = self._config["clusters"][0]["cluster"]
        host, _, port = self._cluster["server"].removeprefix("https://").partition(":")
        self._to = (host, int(port))
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._travelling: set[asyncio.Task[None]] = set()
        self._sinks: set[asyncio.StreamWriter] = set()
        self._held: list[bytes] = []

    @contextlib.asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[Path]:
        """The kubeconfig of who goes this way."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        path = folder / "slow-kubeconfig"
        self._cluster["server"] = f"https://127.0.0.1:{port}"
        path.write_text(yaml.safe_dump(self._config))
        try:
            yield path
        finally:
            server.close()
            self.open()
            for sink in self._sinks:
                sink.close()
            await asyncio.gather(*self._travelling)

    def close(self) -> None:
        """Nothing arrives from now on."""
        self._is_open.clear()

    def open(self) -> None:
        """All that was held arrives, in its order."""
        self._is_open.set()

    async def has_held(self) -> bool:
        """Whether as much is late as one who only renews a Lease does not send."""
        return len(self._held) >= ENOUGH_HELD

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._travelling.add(task)
        there, away = await asyncio.open_connection(*self._to)
        self._sinks |= {away, back}
        try:
            await asyncio.gather(self._pump(near, away, may_wait=True), self._pump(there, back))
        except OSError:
            # One side hung up, which the other is told by closing it, too.
            pass
        finally:
            for sink in (away, back):
                sink.close()
                self._sinks.discard(sink)
            self._travelling.discard(task)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, may_wait: bool = False
    ) -> None:
        while data := await source.read(65536):
            if may_wait and not self._is_open.is_set():
                self._held.append(data)
                await self._is_open.wait()
            sink.write(data)
            await sink.drain()
        sink.close()
