"""Commands that stories run: to their end, with their words kept."""

import asyncio
import os
from collections.abc import Mapping

import installs


async def run(*command: str, check: bool = True, stdin: bytes | None = None) -> installs.Done:
    """Run a command to its end.

    Raises:
        installs.CommandFailed: it failed, and `check` is set.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    code = process.returncode or 0
    done = installs.Done(code, out.decode(errors="replace"), err.decode(errors="replace"))
    if check and code != 0:
        raise installs.CommandFailed(command, done)
    return done


def search_path(environment: Mapping[str, str]) -> str:
    """Where programs are looked for: what the project built itself comes first."""
    built = environment.get("MATCHFLEET_E2E_PATH", "")
    return os.pathsep.join(part for part in (built, environment.get("PATH", "")) if part)
