"""One player's ear: it hears the channel, and wakes whoever waits for something to change.

What was heard only says *when* to look; what is true is read over REST. So a notice that is lost,
late or told twice changes nothing but the time, and a wait works without a channel, a little later.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from matchfleet_client import errors, notices

T = TypeVar("T")
LOOK_EVERY_S = 1.0


class Ear:
    """Hears notices and remembers them.

    Attributes:
        heard: every notice so far, in order.
        lost: why nothing more will be heard; None while it listens.
    """

    def __init__(self) -> None:
        self.heard: list[notices.Notice] = []
        self.lost: errors.ClientError | None = None
        self._next = asyncio.Event()

    def hear(self, notice: notices.Notice) -> None:
        """Remember a notice, and wake those who wait."""
        self.heard.append(notice)
        self._next.set()
        self._next = asyncio.Event()

    async def listen(self, told: AsyncGenerator[notices.Notice, None]) -> None:
        """Hear all that is told, until it ends or this is cancelled."""
        try:
            async for notice in told:
                self.hear(notice)
        except errors.ClientError as error:
            # Waits go on over REST; whoever needs the channel itself finds the reason here.
            self.lost = error

    async def until(
        self,
        check: Callable[[], Awaitable[T | None]],
        *,
        what: str,
        within_s: float,
        look_every_s: float = LOOK_EVERY_S,
    ) -> T:
        """What `check` finds, looked for at each notice and every `look_every_s` besides.

        Raises:
            errors.OutOfTime: it is not found in time; `what` names it.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    following = self._next
                    found = await check()
                    if found is not None:
                        return found
                    await _first(following, within_s=look_every_s)
        except TimeoutError:
            raise errors.OutOfTime(what, within_s) from None

    async def until_heard(self, kind: type[notices.Notice], *, within_s: float) -> bool:
        """Whether a notice of this kind has been heard, waiting for it at most `within_s`."""

        async def check() -> bool | None:
            return any(isinstance(notice, kind) for notice in self.heard) or None

        try:
            return await self.until(check, what="a notice", within_s=within_s)
        except errors.OutOfTime:
            return False


async def _first(event: asyncio.Event, *, within_s: float) -> None:
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return
