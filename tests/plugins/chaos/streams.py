"""Watches on their way through the proxy, line by line, and what may happen to one that is open."""

import asyncio
import json

import aiohttp
from aiohttp import web

from chaos.calls import Call
from chaos.faults import Fault
from chaos.wire import Cut, Wire

LATE_S = 0.8
SWALLOWED_S = 0.6
SILENT_S = 8.0
LOOK_S = 0.05
_WORDS = {Fault.EXPIRED: (410, "Expired"), Fault.BROKEN: (500, "InternalError")}


async def forward(
    upstream: aiohttp.ClientSession, request: web.Request, wire: Wire, call: Call
) -> web.StreamResponse:
    """Hands on a watch until one side ends it, or its fault does.

    Raises:
        Cut: the stream breaks off.
    """
    headers = {"Accept": request.headers.get("Accept", "application/json")}
    timeout = aiohttp.ClientTimeout(total=None)
    async with upstream.get(request.path_qs, headers=headers, timeout=timeout) as answer:
        told = web.StreamResponse(status=answer.status)
        told.content_type = answer.content_type
        await told.prepare(request)
        lines: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
        reading = asyncio.create_task(_read(answer, lines))
        try:
            await _Stream(wire, call, told, lines).run()
        except (ConnectionError, aiohttp.ClientError):
            raise Cut from None
        finally:
            reading.cancel()
        return told


async def _read(
    answer: aiohttp.ClientResponse, lines: "asyncio.Queue[tuple[float, bytes] | None]"
) -> None:
    now = asyncio.get_running_loop().time
    try:
        while line := await answer.content.readline():
            lines.put_nowait((now(), line))
    finally:
        lines.put_nowait(None)


class _Stream:
    def __init__(
        self,
        wire: Wire,
        call: Call,
        told: web.StreamResponse,
        lines: "asyncio.Queue[tuple[float, bytes] | None]",
    ) -> None:
        self._wire = wire
        self._call = call
        self._told = told
        self._lines = lines
        self._now = asyncio.get_running_loop().time
        self._began_armed = wire.is_armed

    async def run(self) -> None:
        while True:
            if self._must_end():
                await self._end()
                return
            try:
                async with asyncio.timeout(LOOK_S):
                    found = await self._lines.get()
            except TimeoutError:
                continue
            if found is None:
                return
            await self._tell(*found)

    @property
    def _fault(self) -> Fault | None:
        """What is wrong with this stream now."""
        point = self._wire.plan.point
        if point is None or point.stage == "" or not self._wire.is_armed:
            return None
        if point.resource != self._call.resource:
            return None
        if point.verb == "watch":
            return self._wire.plan.fault
        # Only who lost his place lists again.
        return Fault.EXPIRED if point.verb == "list" else None

    def _must_end(self) -> bool:
        fault = self._fault
        if fault in {None, Fault.TWICE, Fault.LATE, Fault.LOST_DELETED}:
            return False
        if fault in {*_WORDS, Fault.STALL}:
            return not self._wire.hits
        # A stream that began after that met its fault as it was opened.
        return not self._began_armed

    async def _end(self) -> None:
        fault = self._fault
        point = self._wire.plan.point
        if point is not None and point.verb == "watch" and fault in {*_WORDS, Fault.STALL}:
            self._wire.struck()
        if fault is Fault.STALL:
            await asyncio.sleep(SILENT_S)
            raise Cut
        if fault not in _WORDS:
            # The next one to be opened meets the fault.
            raise Cut
        await asyncio.sleep(SWALLOWED_S)
        code, reason = _WORDS[fault]
        status = {"kind": "Status", "code": code, "reason": reason, "message": "the plan says so"}
        error = {"type": "ERROR", "object": status}
        await self._told.write(json.dumps(error).encode() + b"\n")

    async def _tell(self, at: float, line: bytes) -> None:
        fault = self._fault
        is_deleted = line.startswith(b'{"type":"DELETED"')
        if fault is Fault.LOST_DELETED and is_deleted:
            self._wire.struck()
            return
        if fault is Fault.LATE:
            self._wire.struck()
            await asyncio.sleep(max(0.0, at + LATE_S - self._now()))
        await self._told.write(line)
        if fault is Fault.TWICE:
            self._wire.struck()
            await self._told.write(line)
