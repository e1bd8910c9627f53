"""Child processes that cannot outlive the cluster.

Each is the leader of its own session, so that signals reach everything it started, and what a
leader leaves behind when it exits is killed, as in a container. The kernel kills the leader when
the cluster dies, however that happens (`PR_SET_PDEATHSIG`); children of its own would survive that
one case, and no pod of ours has any.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have died before the line above took effect.
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class Child:
    """One running process.

    Args:
        log: its output is appended to this file.
        on_exit: called once in the event loop with the exit code, 128 + n after signal n.

    Raises:
        OSError: the command cannot be executed.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: dict[str, str],
        cwd: Path,
        log: Path,
        on_exit: Callable[[int], None],
    ) -> None:
        with log.open("ab") as output:
            # The cluster is single-threaded (exits are awaited through pidfds), so code between
            # fork and exec is safe; it must also run in the main thread, which is the "parent"
            # that the kernel watches.
            self._process = subprocess.Popen(
                argv,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509
            )
        self.pid = self._process.pid
        self._on_exit = on_exit
        self._pidfd = os.pidfd_open(self.pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._pidfd, self._ended)

    def send(self, number: signal.Signals) -> None:
        """Signal the whole group; a group that is gone is no error."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        # Until it is waited for, the dead leader keeps its number, so the group is surely ours.
        self.send(signal.SIGKILL)
        code = self._process.wait()
        self._on_exit(128 - code if code < 0 else code)
