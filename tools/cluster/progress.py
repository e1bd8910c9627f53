"""What a person sees while long steps run.

Each step prints a line when it begins and one with its time when it ends. In between, a terminal
gets one line that is rewritten every second, anything else one plain line every 15 s, so that a
log stays short and never falls silent.
"""

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

PLAIN_INTERVAL_S = 15.0
TERMINAL_INTERVAL_S = 1.0


def duration(seconds: float) -> str:
    """Seconds for people: `8 s`, `2 min 05 s`."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


class Reporter:
    """Steps that run now, several at a time, on one output."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}
        self._drawn = False
        self._started = time.monotonic()

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Shows `title` as running until the block ends; an error ends it too."""
        begun = time.monotonic()
        with self._lock:
            self._running[title] = begun
        self.say(f"{title} ...")
        try:
            yield
        except BaseException:
            self._end(title)
            self.say(f"{title}: failed after {duration(time.monotonic() - begun)}")
            raise
        self._end(title)
        self.say(f"{title}: done in {duration(time.monotonic() - begun)}")

    def say(self, line: str) -> None:
        """Prints one line for good, with the time since the start."""
        with self._lock:
            self._wipe()
            stamp = duration(time.monotonic() - self._started)
            print(f"[{stamp:>12}] {line}", file=self._out, flush=True)

    @contextlib.contextmanager
    def ticking(self) -> Iterator[None]:
        """Keeps the running steps visible while the block runs."""
        stop = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(stop,), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            stop.set()
            ticker.join()
            with self._lock:
                self._wipe()

    def _end(self, title: str) -> None:
        with self._lock:
            self._running.pop(title, None)

    def _tick(self, stop: threading.Event) -> None:
        while not stop.wait(TERMINAL_INTERVAL_S if self._terminal else PLAIN_INTERVAL_S):
            now = time.monotonic()
            with self._lock:
                steps = [f"{title} {duration(now - at)}" for title, at in self._running.items()]
            if not steps:
                continue
            line = " | ".join(steps)
            if self._terminal:
                with self._lock:
                    self._wipe()
                    self._out.write(f"  {line}"[: self._width()])
                    self._out.flush()
                    self._drawn = True
            else:
                self.say(f"  still running: {line}")

    def _wipe(self) -> None:
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._drawn = False

    @staticmethod
    def _width() -> int:
        return max(20, shutil.get_terminal_size().columns - 1)


def to_terminal() -> Reporter:
    """A reporter on standard error: standard output carries results only."""
    return Reporter(sys.stderr)
