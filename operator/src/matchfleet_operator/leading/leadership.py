"""Keeps, loses and hands over the right to act: one replica does, the others watch and are ready.

    stand by --the Lease is ours--> take over (one complete look) --> lead --no renewal--> stand by

Leading ends by itself when the clock says so, with no task having to run for it: a process that was
stopped for a while finds on waking that it does not lead. It then stands by again and keeps all it
has watched, for an API server that is away for ten seconds must not cost ten more of starting.
Renewals have a client of their own, so that no claim and no audit ever stands before them.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, assert_never

import structlog

from matchfleet_contracts import clock
from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import kube
from matchfleet_operator.leading import lease

log = structlog.get_logger(__name__)

GIVE_BACK_TRIES = 3


class Duties(Protocol):
    """What a leader has to do; `duties` does it."""

    async def take_over(self, since: float) -> None:
        """Looks at everything, unless that was begun after `since` (monotonic) already.

        Raises:
            errors.ApiError: it did not succeed; it is tried again.
        """
        ...

    def begin(self) -> None:
        """From now on this process acts."""
        ...

    def end(self) -> None:
        """From now on it does not."""
        ...


@dataclass(slots=True)
class _Term:
    """One unbroken time of holding the Lease; seconds on the monotonic clock."""

    began_at: float
    until: float
    is_open: bool = False


class Leadership:
    """This replica's part in the election."""

    def __init__(
        self,
        api: kube.KubeApi,
        clock: clock.Clock,
        *,
        name: str,
        me: str,
        timing: lease.Timing,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is the Lease's, `me` is unlike that of any other process, past ones included."""
        self._api = api
        self._clock = clock
        self._name = name
        self._me = me
        self._timing = timing
        self._monotonic = monotonic
        self._duties: Duties | None = None
        self._sight: lease.Sight | None = None
        self._knows_version = False
        self._term: _Term | None = None
        self._taking_over: asyncio.Task[None] | None = None
        self._has_tried = asyncio.Event()
        self._is_over = False

    def leads(self) -> bool:
        """Whether this process may act now."""
        term = self._term
        return term is not None and term.is_open and self._monotonic() < term.until

    async def tried(self) -> None:
        """Waits until the Lease was asked for once, with whatever result."""
        await self._has_tried.wait()

    async def campaign(self, duties: Duties) -> None:
        """Tries to lead, for ever."""
        self._duties = duties
        while True:
            next_at = await self.turn()
            self._has_tried.set()
            await asyncio.sleep(max(0.0, next_at - self._monotonic()))

    async def turn(self) -> float:
        """One look and one step; when the next is due, on the monotonic clock."""
        began = self._monotonic()
        if self._taking_over is not None and self._taking_over.done():
            # It ends well, or it is cancelled with its term; anything else ends the process.
            self._taking_over.result()
        try:
            seen = await self._look()
            now = self._monotonic()
            self._end_if_over(now)
            step = lease.decide(seen, self._me, now=now, timing=self._timing)
            if isinstance(step, lease.Wait):
                self._end_term("another has the Lease" if seen.lease else "the Lease was deleted")
                return step.until
            await self._write(step)
        except (errors.Conflict, errors.NotFound) as error:
            # Somebody else wrote it, or our own last write counted after all: look, at once.
            self._knows_version = False
            log.debug("lease_changed", why=str(error))
            return began + self._timing.retry_s / 4
        except errors.ApiError as error:
            self._knows_version = False
            log.warning("lease_not_renewed", why=str(error))
            self._end_if_over(self._monotonic())
        return began + self._timing.retry_s

    async def give_back(self) -> None:
        """Ends leading and leaves the Lease to whoever is next; the campaign must be over."""
        self._is_over = True
        self._end_term("this process ends", what="given_back")
        for _ in range(GIVE_BACK_TRIES):
            try:
                held = (await self._look()).lease
                if held is None or held.holder != self._me:
                    return
                body = lease.given_back(held, now=self._clock.now())
                await self._api.patch(kube.LEASES, self._name, body)
            except (errors.Conflict, errors.NotFound):
                self._knows_version = False
            except errors.ApiError as error:
                log.warning("lease_not_given_back", why=str(error))
                return
            else:
                log.info("lease_given_back")
                return

    # ---- the Lease

    async def _look(self) -> lease.Sight:
        """The Lease as it is; while it is ours and nothing went wrong, as we wrote it."""
        if self._sight is not None and self._knows_version:
            return self._sight
        try:
            found = lease.observed(await self._api.get(kube.LEASES, self._name))
        except errors.NotFound:
            found = None
        self._sight = lease.sight(self._sight, found, at=self._monotonic())
        return self._sight

    async def _write(self, step: lease.Create | lease.Take | lease.Renew) -> None:
        # What counts is when the write was sent: nobody can have seen it sooner.
        sent_at, now = self._monotonic(), self._clock.now()
        match step:
            case lease.Create():
                body = lease.created(self._name, self._me, now=now, timing=self._timing)
                raw = await self._api.create(kube.LEASES, body)
            case lease.Take(lease=found):
                body = lease.taken(found, self._me, now=now, timing=self._timing)
                raw = await self._api.patch(kube.LEASES, self._name, body)
            case lease.Renew(lease=found):
                body = lease.renewed(found, now=now)
                raw = await self._api.patch(kube.LEASES, self._name, body)
            case _:
                assert_never(step)
        self._sight = lease.sight(self._sight, lease.observed(raw), at=self._monotonic())
        self._knows_version = True
        self._hold(sent_at)

    # ---- the term

    def _hold(self, sent_at: float) -> None:
        """The Lease is ours since `sent_at` at the latest."""
        until = sent_at + self._timing.renew_within_s
        now = self._monotonic()
        self._end_if_over(now)
        if self._is_over or now >= until:
            return
        if self._term is not None:
            self._term.until = until
            return
        self._term = _Term(began_at=sent_at, until=until)
        metrics.LEASE_CHANGES.labels(what="gained").inc()
        log.info("lease_gained", me=self._me)
        self._taking_over = asyncio.create_task(self._take_over(self._term), name="take-over")

    async def _take_over(self, term: _Term) -> None:
        duties = self._duties
        if duties is None:
            raise AssertionError("a campaign knows what it leads")
        while True:
            try:
                await duties.take_over(term.began_at)
                break
            except errors.ApiError as error:
                log.warning("not_taken_over_yet", why=str(error))
                await asyncio.sleep(self._timing.retry_s)
        if term is not self._term:
            return
        term.is_open = True
        metrics.LEADER.set(1)
        log.info("leading", after_s=round(self._monotonic() - term.began_at, 3))
        duties.begin()

    def _end_if_over(self, now: float) -> None:
        if self._term is not None and now >= self._term.until:
            self._end_term("the Lease was not renewed in time")

    def _end_term(self, why: str, *, what: str = "lost") -> None:
        term, self._term = self._term, None
        if self._taking_over is not None:
            self._taking_over.cancel()
            self._taking_over = None
        if term is None:
            return
        metrics.LEADER.set(0)
        metrics.LEASE_CHANGES.labels(what=what).inc()
        log.info("standing_by", why=why)
        if term.is_open and self._duties is not None:
            self._duties.end()
