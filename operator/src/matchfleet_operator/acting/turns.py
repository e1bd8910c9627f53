"""Who may talk to the API server next: so many requests at once, claims before what can wait.

An API server that has more requests than processors answers each of them later, and none sooner;
and a request that waits on the wire uses up the time it is given. So requests wait here, where a
claim overtakes the creation of a server. What can wait always has a few places of its own, so that
a flood of claims does not keep it waiting for ever.
"""

import asyncio
import enum
from collections import deque


class Urgency(enum.Enum):
    """Whether a player waits for it."""

    NOW = "now"
    LATER = "later"


SHARE_OF_LATER = 4
"""While claims are under way, one place for this many of theirs is left to what can wait."""


class Turns:
    """Places for requests; each that is taken must be given back."""

    def __init__(self, *, at_once: int) -> None:
        self._at_once = at_once
        self._few = max(1, at_once // SHARE_OF_LATER)
        self._running = dict.fromkeys(Urgency, 0)
        self._waiting: dict[Urgency, deque[asyncio.Future[None]]] = {u: deque() for u in Urgency}

    async def take(self, urgency: Urgency) -> None:
        """Returns when a request of this urgency may be sent; `give` must follow."""
        if not self._waiting[urgency] and self._has_place(urgency):
            self._running[urgency] += 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting[urgency].append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.give(urgency)
            raise

    def give(self, urgency: Urgency) -> None:
        """The request is over."""
        self._running[urgency] -= 1
        for each in Urgency:
            self._wake(each)

    def _wake(self, urgency: Urgency) -> None:
        waiting = self._waiting[urgency]
        while waiting and self._has_place(urgency):
            waiter = waiting.popleft()
            if not waiter.done():
                self._running[urgency] += 1
                waiter.set_result(None)

    def _has_place(self, urgency: Urgency) -> bool:
        is_busy = self._running[Urgency.NOW] or self._waiting[Urgency.NOW]
        places = self._few if urgency is Urgency.LATER and is_busy else self._at_once
        return self._running[urgency] < places
