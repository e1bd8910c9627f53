"""Runs one probe against a pod's address, again and again."""

import asyncio
from collections.abc import Callable

import aiohttp

from matchfleet_local.cluster import probing


async def run(
    check: probing.Check,
    address: str,
    http: aiohttp.ClientSession,
    *,
    verdict: bool,
    told: Callable[[bool], None],
) -> None:
    """Probe for ever; `told` hears of every change of the verdict, from the first one on."""
    tally = probing.Tally(verdict)
    await asyncio.sleep(check.delay_s)
    while True:
        after = tally.after(answer=await _ask(check, address, http), check=check)
        if after.verdict != tally.verdict:
            told(after.verdict)
        tally = after
        await asyncio.sleep(check.period_s)


async def passed(check: probing.Check, address: str, http: aiohttp.ClientSession) -> bool:
    """Probe until the check succeeds (True) or has failed too often (False)."""
    tally, failed = probing.Tally(verdict=False), 0
    await asyncio.sleep(check.delay_s)
    while True:
        answer = await _ask(check, address, http)
        tally = tally.after(answer=answer, check=check)
        failed = 0 if answer else failed + 1
        if tally.verdict or failed >= check.failures:
            return tally.verdict
        await asyncio.sleep(check.period_s)


async def _ask(check: probing.Check, address: str, http: aiohttp.ClientSession) -> bool:
    host = check.host or address
    try:
        async with asyncio.timeout(check.timeout_s):
            if check.kind == "tcp":
                _, writer = await asyncio.open_connection(host, check.port)
                writer.close()
                return True
            url = f"http://{host}:{check.port}{check.path}"
            async with http.get(url, allow_redirects=False) as response:
                return 200 <= response.status < 400
    except (TimeoutError, aiohttp.ClientError, OSError):
        return False
