"""Running other programs: their output is kept and shown only when they fail.

Nothing here decides; it turns exit codes into errors and keeps sub-processes bounded in time.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.cluster import errors

Argument = str | Path


def run(
    argv: Sequence[Argument],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout_s: float | None = None,
    outlives_us: bool = False,
) -> str:
    """Runs a program to its end and returns what it printed.

    Args:
        argv: The program and its arguments.
        env: Variables set on top of our own.
        cwd: Where it runs.
        stdin: Text for its input; nothing otherwise.
        timeout_s: It is killed after this time.
        outlives_us: Whether it goes on when this process is killed: for what must not be cut in
            two, as apt-get. Everything else dies with us, so that the next run meets no orphan.

    Raises:
        CommandFailed: It ended with an error, was killed by the timeout or does not exist.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words if outlives_us else [*_bound(), *words],
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin if stdin is not None else "",
            text=True,
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        output = late.output.decode(errors="replace") if isinstance(late.output, bytes) else ""
        raise errors.CommandFailed(
            words, returncode=124, output=f"{output}\nno end within {timeout_s:.0f} s"
        ) from late
    except OSError as absent:
        raise errors.CommandFailed(words, returncode=127, output=str(absent)) from absent
    if done.returncode:
        raise errors.CommandFailed(words, returncode=done.returncode, output=done.stdout)
    return done.stdout


def attempt(
    argv: Sequence[Argument],
    *,
    env: Mapping[str, str] | None = None,
    timeout_s: float = 20,
) -> str | None:
    """What a program printed, or None if it failed: for questions whose answer may be no."""
    try:
        return run(argv, env=env, timeout_s=timeout_s)
    except errors.CommandFailed:
        return None


@functools.cache
def _bound() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def find(name: str, *, extra: Sequence[Path] = ()) -> Path | None:
    """Where a program is, looking in `extra`, in PATH and in the usual system folders."""
    path = [str(folder) for folder in extra]
    path += os.environ.get("PATH", "").split(os.pathsep)
    path += ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/go/bin"]
    found = shutil.which(name, path=os.pathsep.join(path))
    return Path(found) if found else None


def failed(argv: Sequence[Argument], *, returncode: int, output: str) -> errors.CommandFailed:
    """The error for a program that was run elsewhere."""
    return errors.CommandFailed([str(word) for word in argv], returncode=returncode, output=output)


def late(argv: Sequence[Argument], timeout_s: float) -> errors.CommandFailed:
    """The error for a program that did not end in its time."""
    return failed(argv, returncode=124, output=f"no end within {timeout_s:.0f} s")
