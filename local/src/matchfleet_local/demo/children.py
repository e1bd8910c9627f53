"""One process of the product: on a leash, its words in a file, ended with its descendants.

The leash is the one that the datastores run on: whatever happens to the demo, even an outright
kill, the kernel ends the child. A child has a session of its own, so Ctrl-C in a terminal reaches
the demo alone, which then ends its children in order.
"""

import asyncio
import contextlib
import http.client
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from matchfleet_local.demo import errors, topology
from matchfleet_local.servers import leash, processes, server

POLL_S = 0.05
STOP_WITHIN_S = 15.0
ANSWER_WITHIN_S = 2.0


class Child:
    """A process that may be started, killed and started again.

    Args:
        plan: what to run.
        logs: the directory of log files.
    """

    def __init__(self, plan: topology.Process, *, logs: Path) -> None:
        self.plan = plan
        self.log = logs / f"{plan.name}.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """Its name in the topology."""
        return self.plan.name

    @property
    def pid(self) -> int | None:
        """Its pid while it runs."""
        return self._process.pid if self._process and self.is_running else None

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._process is not None and self._process.returncode is None

    def log_tail(self) -> str:
        """The last words of its log."""
        return server.tail(self.log)

    async def start(self) -> None:
        """Start it; it may not be ready yet."""
        if self.is_running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *leashed(sys.executable, *self.plan.arguments),
                env=os.environ | self.plan.environment | {"PYTHONUNBUFFERED": "1"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ended(self) -> int:
        """Its exit code, once it has ended."""
        if self._process is None:
            raise AssertionError(f"{self.name} was never started")
        return await self._process.wait()

    async def until_ready(self) -> None:
        """Wait until it says that it is ready.

        Raises:
            errors.NotReady: it takes too long.
        """
        try:
            async with asyncio.timeout(self.plan.ready_within_s):
                while True:
                    if await self.is_ready():
                        return
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise errors.NotReady(
                self.name, within_s=self.plan.ready_within_s, log_tail=self.log_tail()
            ) from None

    async def is_ready(self) -> bool:
        """Whether it says so now."""
        if self.plan.ready_file is not None:
            return await asyncio.to_thread(self.plan.ready_file.exists)
        if self.plan.ready_url is None:
            raise AssertionError(f"{self.name} runs once: wait for its end")
        # In a thread: a demo that ends cancels this wait at any moment, and aiohttp leaves a socket
        # behind when it is cancelled between its connection and its transport.
        return await asyncio.to_thread(_says_ok, self.plan.ready_url)

    async def stop(self) -> None:
        """Ask it and its descendants to end, and force them when they take too long."""

        async def ask(who: processes.Identity) -> None:
            await processes.end(who, asking=signal.SIGTERM, within_s=STOP_WITHIN_S)

        await self._end(ask)

    async def kill(self) -> None:
        """End it and its descendants at once, as a crash would."""

        async def force(who: processes.Identity) -> None:
            await processes.fell(who)

        await self._end(force)

    async def _end(self, how: Callable[[processes.Identity], Awaitable[None]]) -> None:
        if self._process is None:
            return
        who = processes.identify(self._process.pid) if self.is_running else None
        if who is not None:
            await how(who)
        await self._process.wait()


async def run_once(plan: topology.Process, *, logs: Path) -> None:
    """Run a step to its end.

    Raises:
        errors.StepFailed: it ended with an error.
    """
    child = Child(plan, logs=logs)
    await child.start()
    try:
        code = await child.ended()
    finally:
        await child.kill()
    if code != 0:
        raise errors.StepFailed(plan.name, code=code, log_tail=child.log_tail())


def leashed(*command: str) -> tuple[str, ...]:
    """The command that becomes `command` and dies with this thread."""
    keep, parent = str(leash.KEEP), str(os.getpid())
    leash_signal = str(int(signal.SIGKILL))
    interpreter = (sys.executable, "-I", "-S", leash.__file__)
    return (*interpreter, keep, keep, leash_signal, parent, "--", *command)


def _says_ok(url: str) -> bool:
    where = urlsplit(url)
    with contextlib.closing(
        http.client.HTTPConnection(where.hostname or "", where.port, timeout=ANSWER_WITHIN_S)
    ) as connection:
        try:
            connection.request("GET", where.path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
