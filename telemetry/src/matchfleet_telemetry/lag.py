"""How late the event loop runs what it was asked to run: the first sign of a blocked process."""

import asyncio
from typing import Final

from matchfleet_telemetry import metrics

PERIOD_S: Final = 0.5

LATENESS: Final = metrics.histogram(
    "matchfleet_event_loop_lag_seconds", "How late a timer of the event loop fired."
)


async def measure() -> None:
    """Sleeps and records by how much each sleep was too long, until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PERIOD_S
        await asyncio.sleep(PERIOD_S)
        LATENESS.observe(max(0.0, loop.time() - due))
