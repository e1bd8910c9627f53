"""Background work in rounds: again after a while, at once when woken, slower when it fails.

A round that fails is logged and counted and never ends the task: what it could not do now, the next
round finds still to be done.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from matchfleet_adapters import errors
from matchfleet_api import metrics

log = structlog.get_logger(__name__)
Round = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two rounds, and at most how many after failures."""

    period_s: float
    most_s: float = 5.0


async def forever(name: str, work: Round, pace: Pace, *, wake: asyncio.Event | None = None) -> None:
    """Run rounds until cancelled; a round that returns something true is followed at once."""
    wait_s = pace.period_s
    while True:
        try:
            is_more = await work()
            wait_s = 0.0 if is_more else pace.period_s
        except errors.AdapterError as error:
            metrics.TASK_FAILED.labels(name).inc()
            log.warning("task_round_failed", task=name, error=str(error))
            wait_s = min(pace.most_s, max(0.1, wait_s * 2))
        except Exception:
            metrics.TASK_FAILED.labels(name).inc()
            log.exception("task_round_broke", task=name)
            wait_s = min(pace.most_s, max(1.0, wait_s * 2))
        await pause(wait_s, wake)


async def pause(wait_s: float, wake: asyncio.Event | None) -> None:
    """Wait, or less when woken; the wake-up is used up."""
    if wake is None:
        await asyncio.sleep(wait_s)
        return
    # Not wait_for: before Python 3.12 it can swallow a cancellation that meets the wake-up.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await wake.wait()
    wake.clear()


async def until_told(work: Awaitable[object]) -> None:
    """Run `work` until it ends, or until SIGTERM or SIGINT asks for it."""
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    running = asyncio.ensure_future(work)
    told = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not running.done():
        log.info("stopping")
        running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
