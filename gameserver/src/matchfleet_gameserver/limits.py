"""How many frames a client may send: a token bucket that fills with time."""

from dataclasses import dataclass


@dataclass(slots=True)
class Bucket:
    """Holds at most twice what comes in a second; starts full."""

    per_second: int
    at: float
    _held: float = -1.0

    def take(self, now: float) -> bool:
        """Take one; False when there is none."""
        most = 2.0 * self.per_second
        if self._held < 0.0:
            self._held = most
        self._held = min(self._held + (now - self.at) * self.per_second, most)
        self.at = now
        if self._held < 1.0:
            return False
        self._held -= 1.0
        return True
