"""The demo's match: two players of the `matchfleet` command, which is its own process.

The demo knows the product from outside only, so it plays as anybody would: through the client's
command, whose progress it passes on and whose last line of JSON it returns.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from matchfleet_local.demo import children, errors, product

REGION_RTT = "eu=20,us=90"


def command(api_url: str, *, queue: str, region_rtt: str = REGION_RTT) -> tuple[str, ...]:
    """The client's command line."""
    return (
        *("-m", "matchfleet_client", "play"),
        *("--api", api_url, "--players", "2", "--queue", queue),
        *("--region-rtt", region_rtt, "--json"),
    )


async def play(it: product.Product, *, queue: str, tell: Callable[[str], None]) -> dict[str, Any]:
    """Play one match; the client's own account of it.

    Raises:
        errors.MatchFailed: the client did not come to the end.
    """
    process = await asyncio.create_subprocess_exec(
        *children.leashed(sys.executable, *command(it.api_url, queue=queue)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        words, _ = await asyncio.gather(_all(process.stdout), _each_line(process.stderr, tell))
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        raise errors.MatchFailed(code)
    account: dict[str, Any] = msgspec.json.decode(words)
    return account


async def _all(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream else b""


async def _each_line(stream: asyncio.StreamReader | None, tell: Callable[[str], None]) -> None:
    while stream and (line := await stream.readline()):
        tell(line.decode("utf-8", errors="replace").rstrip())
