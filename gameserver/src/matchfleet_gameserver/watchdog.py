"""Ends a match whose loop hangs: a thread that looks whether the loop still beats.

A game that never returns from a tick cannot be interrupted, and a loop that hangs can neither
answer a probe nor say why it died. The thread writes the result and ends the process at once.
"""

import threading
import time
from collections.abc import Callable


class Heartbeat:
    """When the loop was last seen alive; only looked at while it plays."""

    def __init__(self) -> None:
        self._last: float | None = None

    def beat(self) -> None:
        """The loop is alive and playing."""
        self._last = time.monotonic()

    def rest(self) -> None:
        """The loop does not play (any more)."""
        self._last = None

    def silent_s(self) -> float:
        """Seconds since the last beat; 0 when it does not play."""
        last = self._last
        return 0.0 if last is None else time.monotonic() - last


class Watchdog:
    """Calls `on_stall` from its own thread, once, when the heart was silent for too long."""

    def __init__(
        self, heartbeat: Heartbeat, *, stall_s: float, on_stall: Callable[[float], None]
    ) -> None:
        self._heartbeat = heartbeat
        self._stall_s = stall_s
        self._on_stall = on_stall
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Start to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns once it did."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(self._stall_s / 10.0):
            silent_s = self._heartbeat.silent_s()
            if silent_s > self._stall_s:
                self._on_stall(silent_s)
                return
