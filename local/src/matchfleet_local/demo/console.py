"""What people are told while the demo runs, and how often.

Each line begins with the seconds since the start. With a terminal, lines come as things happen.
Without one they come as well, and a silence of 15 s is broken by one plain line, so that a reader
of a log knows that something still goes on.
"""

import asyncio
import time
from collections.abc import Callable

HEARTBEAT_S = 15.0


class Console:
    """Says sentences with their time.

    Args:
        write: prints one line.
        clock: seconds, only going forward.
    """

    def __init__(
        self, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._began = clock()
        self._said = self._began
        self._last = "the start"

    def say(self, sentence: str) -> None:
        """Print a sentence; further lines of it are indented below."""
        self._said = self._clock()
        first, *rest = sentence.splitlines() or [""]
        self._last = first
        self._write(f"{self._said - self._began:6.1f} s  {first}")
        for line in rest:
            self._write(f"{'':10}{line}")

    def plain(self, line: str = "") -> None:
        """Print a line as it is."""
        self._said = self._clock()
        self._write(line)

    async def heartbeat(self) -> None:
        """Break silences until cancelled."""
        while True:
            silent_s = self._clock() - self._said
            if silent_s >= HEARTBEAT_S:
                self._break_silence()
                silent_s = 0.0
            await asyncio.sleep(HEARTBEAT_S - silent_s)

    def _break_silence(self) -> None:
        self._said = self._clock()
        self._write(f"{self._said - self._began:6.1f} s  still going on after: {self._last}")
