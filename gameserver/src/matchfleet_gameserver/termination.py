"""Writes the result where the kubelet reads it: once, whoever of two threads comes first.

The file may be a bind mount, so it is written in place, by one write and flushed to the disk.
"""

import os
import threading
from pathlib import Path

from matchfleet_contracts import errors, results
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Outcome, Result


class Message:
    """The termination message of this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._is_written = False

    def write(self, result: Result) -> bool:
        """Write the result; False when one was written before, which then counts.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            if self._is_written:
                return False
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            file = os.open(self._path, flags, 0o644)
            try:
                os.write(file, encoded(result))
                os.fsync(file)
            finally:
                os.close(file)
            self._is_written = True
            return True


def encoded(result: Result) -> bytes:
    """The bytes of a result; of a void one that says why, when it does not fit."""
    try:
        return results.encode(result)
    except errors.ResultTooLarge as error:
        return results.encode(
            Result(
                match_uid=result.match_uid,
                outcome=Outcome.VOID,
                standings=[],
                ticks=result.ticks,
                tick_hz=result.tick_hz,
                achieved_hz=result.achieved_hz,
                late_ticks=result.late_ticks,
                reason=Reason.GAME_FAILED,
                message=str(error),
            )
        )
