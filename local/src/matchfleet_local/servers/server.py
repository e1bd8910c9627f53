"""One running server: start, stop, kill, start again on the same port with the same data.

The process is held by `subprocess`, not by an event loop, so that a server started for a whole
test session can be stopped by a test that runs on a loop of its own. Every program starts through
`leash.py`. Its identity is written down before anything is awaited: a run that is killed in
mid-start leaves a trace that the next one can follow.
"""

import asyncio
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from matchfleet_local.servers import accounts, errors, leash, probes, processes, recipes

LOG_TAIL_BYTES = 4000
PREPARE_WITHIN_S = 120.0
PATH = "/usr/local/bin:/usr/bin:/bin"
PID_FILE_SUFFIX = ".pid.json"

Probe = Callable[[int], Awaitable[bool]]


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where servers run, and as whom.

    Attributes:
        directory: our own, for logs and pid files; the account may pass it but not write there.
        account: who the servers run as.
    """

    directory: Path
    account: accounts.Account


class Server:
    """A server as a private process.

    Args:
        recipe: what to run.
        place: where and as whom.
        probe: how to ask whether it is ready.
    """

    def __init__(self, recipe: recipes.Recipe, place: Place, *, probe: Probe) -> None:
        self.recipe = recipe
        self.log = place.directory / f"{recipe.name}.log"
        self._account = place.account
        self._probe = probe
        self._pid_file = place.directory / f"{recipe.name}{PID_FILE_SUFFIX}"
        self._process: subprocess.Popen[bytes] | None = None
        self._identity: processes.Identity | None = None

    @property
    def port(self) -> int:
        """The loopback port, the same for all of its lives."""
        return self.recipe.port

    @property
    def pid(self) -> int | None:
        """The pid of its main process, while it runs."""
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        """Whether its main process lives."""
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ServerFailed: it ended, or was not ready in time.
        """
        if self.is_running:
            return
        await self._prepare()
        self._process = self._launch(self.recipe.serve, holds_input=self.recipe.holds_input)
        self._identity = processes.identify(self._process.pid)
        self._remember()
        try:
            async with asyncio.timeout(self.recipe.ready_within_s):
                ready = await probes.until_ready(
                    self._probe, self.port, has_ended=lambda: not self.is_running
                )
        except TimeoutError:
            await self.kill()
            what = f"was not ready within {self.recipe.ready_within_s:.0f} s"
            raise self._failed(what) from None
        except asyncio.CancelledError:
            await self.kill()
            raise
        if not ready:
            code = self._process.returncode
            self._forget()
            raise self._failed(f"ended with code {code} before it was ready")

    async def stop(self) -> None:
        """Ask it to end in good order, and force it when it takes too long."""
        if self._identity:
            await processes.end(
                self._identity,
                asking=self.recipe.stop_signal,
                within_s=self.recipe.stop_within_s,
            )
        self._forget()

    async def kill(self) -> None:
        """End it and its children at once, as a crash would."""
        if self._identity:
            if self.recipe.crash:
                await self._run(self.recipe.crash)
            await processes.fell(self._identity)
        self._forget()

    def abandon(self) -> None:
        """End it at once without waiting, for a caller that is being torn down itself."""
        if self._identity:
            for member in processes.family(self._identity):
                processes.send(member, signal.SIGKILL)
        self._forget()

    async def erase(self) -> None:
        """Remove what it keeps outside its home; it is stopped."""
        if self.recipe.erase:
            accounts.private(self.recipe.home, self._account)
        for command in self.recipe.erase:
            await self._run(command)

    async def _prepare(self) -> None:
        home = accounts.private(self.recipe.home, self._account)
        for name, text in self.recipe.files.items():
            accounts.place(home / name, text, self._account)
        for name, target in self.recipe.links.items():
            link = home / name
            link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        for command in self.recipe.before:
            await self._run(command)
        done = home / ".prepared"
        if done.exists():
            return
        for command in self.recipe.prepare:
            if await self._run(command):
                raise self._failed(f"could not be prepared ({command.argv[0]})")
        accounts.place(done, "", self._account)

    async def _run(self, command: recipes.Command) -> int:
        """Run a command to its end and return its exit code; one that hangs is killed."""
        process = self._launch(command)
        identity = processes.identify(process.pid)
        try:
            if identity:
                await processes.gone((identity,), within_s=PREPARE_WITHIN_S)
        finally:
            # initdb has a server of its own, which would go on writing after it.
            if identity and process.poll() is None:
                await processes.fell(identity)
        return process.wait()

    def _launch(
        self, command: recipes.Command, *, holds_input: bool = False
    ) -> subprocess.Popen[bytes]:
        """Run a command in the home, as the account, on the leash, its words in the log."""
        drops = self._account.uid != os.geteuid()
        leashed = (
            sys.executable,
            "-I",
            "-S",
            leash.__file__,
            str(self._account.uid if drops else leash.KEEP),
            str(self._account.gid if drops else leash.KEEP),
            str(int(self.recipe.leash_signal)),
            str(os.getpid()),
            "--",
            *command.argv,
        )
        search = shutil.which("erl")
        with self.log.open("ab") as log:
            return subprocess.Popen(
                leashed,
                cwd=self.recipe.home,
                env={
                    "PATH": f"{Path(search).parent}:{PATH}" if search else PATH,
                    "LC_ALL": "C.UTF-8",
                    "TZ": "UTC",
                    **command.environment,
                },
                stdin=subprocess.PIPE if holds_input else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal is for us; we then stop the servers in order.
                start_new_session=True,
            )

    def _remember(self) -> None:
        if self._identity:
            words = json.dumps(dataclasses.asdict(self._identity))
            self._pid_file.write_text(words, encoding="utf-8")

    def _forget(self) -> None:
        if self._process:
            if self._process.stdin:
                self._process.stdin.close()
            self._process.wait()
        self._process = self._identity = None
        self._pid_file.unlink(missing_ok=True)

    def _failed(self, what: str) -> errors.ServerFailed:
        return errors.ServerFailed(self.recipe.name, what, tail(self.log))


async def end_leftovers(directory: Path) -> None:
    """End what a killed run of ours left running in the same directory."""
    for path in pid_files(directory):
        if leftover := read_pid_file(path):
            await processes.fell(leftover)
        path.unlink(missing_ok=True)


def pid_files(directory: Path) -> tuple[Path, ...]:
    """The pid files of our servers in a directory."""
    return tuple(directory.glob(f"*{PID_FILE_SUFFIX}"))


def read_pid_file(path: Path) -> processes.Identity | None:
    """Who a pid file names; None for a missing or torn one."""
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
        return processes.Identity(int(words["pid"]), int(words["start_time"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def tail(log: Path) -> str:
    """The last words of a log."""
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
        return file.read().decode("utf-8", errors="replace")
