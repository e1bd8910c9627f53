"""What one plan's operators and the API server say to each other, and where that goes wrong.

The wire counts calls, knows the stage of the story, and says which fault strikes a call. A process
that was killed says and hears nothing more: its connections end, and what it tries is dropped.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from chaos import faults
from chaos.calls import Call
from chaos.faults import Fault, Plan

BURST_S = 1.0
STORIES_OWN = frozenset({"events", "leases", "nodes"})
"""Resources whose writes are not counted: they follow from others, or from time alone."""


class Cut(Exception):
    """The connection ends here, without an answer."""


class Wire:
    """The state of one plan's connection.

    Attributes:
        plan: what goes wrong, and where.
        calls: how many calls of each kind there were.
        writes: how many writes the API server did, and when it did the last one (monotonic).
        hits: how often the fault struck.
        is_armed: whether the stage has come after which the fault may strike.
        on_stage: what is to be done at each stage, before that.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.calls: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.wrote_at = time.monotonic()
        self.hits = 0
        self.hit = asyncio.Event()
        self.is_armed = False
        self.on_stage: list[Callable[[str], Awaitable[None]]] = []
        self._deaths: dict[str, asyncio.Event] = {}
        self._dead: set[str] = set()
        self._doomed: str | None = None
        self._burst_until = 0.0
        self._open: dict[str, dict[int, web.Request]] = {}
        if plan.point is None:
            self.hit.set()

    # ---- the story

    async def stage(self, name: str) -> None:
        """The story has come to this stage."""
        for tell in self.on_stage:
            await tell(name)
        point = self.plan.point
        if point is not None and point.stage == name:
            self.is_armed = True
            if self.plan.fault is Fault.CRASH_STALE:
                for bearer in self._deaths.keys() - self._dead:
                    self.kill(bearer)

    # ---- processes

    def born(self, bearer: str) -> asyncio.Event:
        """A process begins to live; the event is set when it is killed."""
        self._deaths[bearer] = asyncio.Event()
        return self._deaths[bearer]

    def opened(self, call: Call, request: web.Request) -> None:
        """A request came in.

        Raises:
            Cut: its process is dead, or dies of it.
        """
        if call.bearer == self._doomed:
            self.kill(call.bearer)
        if call.bearer in self._dead:
            raise Cut
        self._open.setdefault(call.bearer, {})[id(request)] = request

    def closed(self, call: Call, request: web.Request) -> None:
        """A request was answered, or given up."""
        self._open.get(call.bearer, {}).pop(id(request), None)

    def is_alive(self, bearer: str) -> bool:
        """Whether this process may do anything outside; one that is doomed dies of trying."""
        if bearer == self._doomed:
            self.kill(bearer)
        return bearer not in self._dead

    def kill(self, bearer: str) -> None:
        """The process dies now."""
        self._dead.add(bearer)
        self._doomed = None
        for request in self._open.pop(bearer, {}).values():
            if request.transport is not None:
                request.transport.abort()
        self._deaths[bearer].set()

    def doom(self, bearer: str) -> None:
        """The process dies as soon as it tries to do anything more."""
        self._doomed = bearer
        asyncio.get_running_loop().call_later(0.2, self.is_alive, bearer)

    # ---- faults

    def strikes(self, call: Call) -> Fault | None:
        """The fault that this call meets, if any; counts the call."""
        if call.verb == "other" or call.resource in STORIES_OWN:
            return Fault.FORBIDDEN if time.monotonic() < self._burst_until else None
        self.calls[call.kind] += 1
        if time.monotonic() < self._burst_until:
            return Fault.FORBIDDEN
        point, fault = self.plan.point, self.plan.fault
        if point is None or fault is None or call.kind != point.kind or self.hits:
            return None
        if not (self.is_armed or self.calls[call.kind] == point.number):
            return None
        if call.verb == "watch" and fault in WATCHED:
            # Such a fault strikes what a stream tells, not its beginning.
            return None
        self.struck()
        if fault is Fault.FORBIDDEN:
            self._burst_until = time.monotonic() + BURST_S
        return fault

    def struck(self) -> None:
        """The fault has happened."""
        self.hits += 1
        self.hit.set()

    def wrote(self, call: Call) -> None:
        """The API server did what it was asked to."""
        if call.verb in faults.WRITES and call.resource not in STORIES_OWN:
            self.writes[call.kind] += 1
            self.wrote_at = time.monotonic()


WATCHED = frozenset(
    {Fault.STALL, Fault.TWICE, Fault.LATE, Fault.LOST_DELETED, Fault.EXPIRED, Fault.BROKEN}
)
"""Faults of a stream that is open; the others meet the request that opens the next one."""
