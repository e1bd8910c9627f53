"""Keys that should be planned: each at most once in the queue, and never twice at work.

A key that comes while it is worked on comes again afterwards. A key may be due later; of several
times the earliest holds. A key that failed comes back later each time, spread so that many that
failed together do not come back together.

A closed queue takes keys and hands out none: a standby knows what there is to do, and does not do
it.
"""

import asyncio
import heapq
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

from matchfleet_operator import metrics

K = TypeVar("K")

FIRST_RETRY_S = 0.05
MOST_RETRY_S = 30.0


class WorkQueue(Generic[K]):
    """A queue of keys for one event loop."""

    def __init__(self, *, jitter: Callable[[], float]) -> None:
        """`jitter` draws from 0 to 1."""
        self._jitter = jitter
        self._ready: OrderedDict[K, float] = OrderedDict()
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0
        self._failures: dict[K, int] = {}
        self._sleepers: deque[asyncio.Future[None]] = deque()
        self._is_open = True
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, key: K) -> None:
        """The key should be planned as soon as may be."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = asyncio.get_running_loop().time()
            metrics.QUEUE_DEPTH.set(len(self._ready))
            if self._is_open:
                self._wake_one()

    def add_in(self, key: K, delay_s: float) -> None:
        """The key should be planned after this delay at the latest."""
        if delay_s <= 0:
            self.add(key)
            return
        due = asyncio.get_running_loop().time() + delay_s
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, key))
        self._set_timer()

    def retry(self, key: K, *, most_s: float = MOST_RETRY_S) -> float:
        """The key failed; when it comes back, in seconds, `most_s` at the latest."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        longest_s = min(FIRST_RETRY_S * 2.0 ** min(failures, 16), most_s)
        delay_s = longest_s * (0.5 + self._jitter() / 2)
        self.add_in(key, delay_s)
        return delay_s

    def succeeded(self, key: K) -> None:
        """The key did not fail this time."""
        self._failures.pop(key, None)

    async def get(self) -> K:
        """The next key, when there is one; `done` must follow."""
        while not self._ready or not self._is_open:
            await self._sleep()
        key, since = self._ready.popitem(last=False)
        self._working.add(key)
        self._due.pop(key, None)
        metrics.QUEUE_DEPTH.set(len(self._ready))
        metrics.QUEUE_SECONDS.observe(asyncio.get_running_loop().time() - since)
        return key

    async def _sleep(self) -> None:
        """Waits to be woken: one worker for each key, for to wake all of them costs more."""
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append(sleeper)
        try:
            await sleeper
        except asyncio.CancelledError:
            if sleeper.done() and not sleeper.cancelled():
                self._wake_one()
            raise

    def _wake_one(self) -> None:
        while self._sleepers:
            sleeper = self._sleepers.popleft()
            if not sleeper.done():
                sleeper.set_result(None)
                return

    def done(self, key: K, *, rest_s: float = 0.0) -> None:
        """The key is not worked on any more, once it has rested so that more may come together."""
        if rest_s > 0:
            asyncio.get_running_loop().call_later(rest_s, self.done, key)
            return
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def open(self) -> None:
        """Hands keys out again; how long they waited counts from now."""
        if self._is_open:
            return
        self._is_open = True
        now = asyncio.get_running_loop().time()
        self._ready = OrderedDict.fromkeys(self._ready, now)
        for _ in range(len(self._ready)):
            self._wake_one()

    def close(self) -> None:
        """Hands no key out until it is opened; what is at work stays so."""
        self._is_open = False

    @property
    def is_at_work(self) -> bool:
        """Whether any key is worked on."""
        return bool(self._working)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is at work; what is due later does not count."""
        return not self._ready and not self._working

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._heap[0][0], self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        # Timers may ring a clock tick early; what is due within it is due.
        while self._heap and self._heap[0][0] <= now + 0.001:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                self.add(key)
        self._set_timer()
