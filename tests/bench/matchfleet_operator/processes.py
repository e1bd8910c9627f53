"""Child processes of the bench, and what the kernel says of their time and memory."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
STOP_S = 15.0
_BOUND = ("setpriv", "--pdeathsig", "KILL")


class Child:
    """A running program; its output goes to a file."""

    def __init__(
        self, argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        """Starts it; the kernel ends it if we are killed."""
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [*_BOUND, *(str(word) for word in argv)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(env or {})},
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    def cpu_s(self) -> float:
        """Processor time so far, user and system, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def rss_mib(self) -> float:
        """Memory it holds now, in MiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("every running process has VmRSS")

    def send(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._child.send_signal(number)

    async def ended(self) -> None:
        """Waits until it has ended."""
        await asyncio.to_thread(self._child.wait)

    async def stop(self) -> None:
        """Asks it to end, and ends it when it does not."""
        if self.is_running:
            self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self.ended()
        except TimeoutError:
            self._child.kill()
            await self.ended()

    def tail(self) -> str:
        """The end of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])


@contextlib.asynccontextmanager
async def running(
    argv: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """A program for the time of the block."""
    child = Child(argv, log=log, env=env)
    try:
        yield child
    finally:
        await child.stop()
