"""A limit on writes: so many at once, so many a second for long; whoever comes too soon waits."""

import asyncio


class Bucket:
    """Tokens that refill with time; one write takes one. Callers are served in order."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._free_at = 0.0

    async def take(self) -> None:
        """Returns when one more write may be sent."""
        now = asyncio.get_running_loop().time()
        # `_free_at` is when the bucket would be full again; each write moves it on by its share.
        self._free_at = max(self._free_at, now) + 1.0 / self._per_s
        wait_s = self._free_at - now - self._burst / self._per_s
        if wait_s > 0:
            await asyncio.sleep(wait_s)
