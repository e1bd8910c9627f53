"""The proxy between operators and the API server: hands on what is asked, unless a fault strikes.

One proxy serves all plans; the token that a request presents says whose it is.
"""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web

from chaos import calls, streams
from chaos.calls import Call
from chaos.faults import STALE, Fault
from chaos.wire import Cut, Wire

STALL_S = 2.6
"""Longer than the operator waits for an answer."""
SENT_ON = ("Content-Type", "Accept")
_REFUSALS = {
    Fault.CONFLICT: (409, "Conflict"),
    Fault.EXPIRED: (410, "Expired"),
    Fault.THROTTLED: (429, "TooManyRequests"),
    Fault.BROKEN: (500, "InternalError"),
    Fault.FORBIDDEN: (403, "Forbidden"),
}


class Proxy:
    """Serves on a loopback port; `upstream` speaks to the API server as its admin."""

    def __init__(self, upstream: aiohttp.ClientSession) -> None:
        self.upstream = upstream
        self.url = ""
        self._wires: dict[str, Wire] = {}
        self._snapshots: dict[str, bytes] = {}
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begins to serve."""
        served = web.Application(client_max_size=16 * 2**20)
        served.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(served, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Ends every connection."""
        if self._runner is not None:
            await self._runner.cleanup()

    def connect(self, bearer: str, wire: Wire) -> None:
        """Requests with this token go over this wire."""
        self._wires[bearer] = wire

    async def remember(self, path: str) -> None:
        """Keeps the list at `path` as it is now, to be told again later."""
        async with self.upstream.get(path) as answer:
            self._snapshots[path] = await answer.read()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = calls.of(request)
        wire = self._wires.get(call.bearer)
        if wire is None:
            return web.json_response({"message": "nobody's token"}, status=401)
        try:
            wire.opened(call, request)
            return await self._answer(request, call, wire)
        except Cut:
            return _cut(request)
        finally:
            wire.closed(call, request)

    async def _answer(self, request: web.Request, call: Call, wire: Wire) -> web.StreamResponse:
        body = await request.read()
        fault = wire.strikes(call)
        if fault is Fault.CRASH_BEFORE:
            wire.kill(call.bearer)
            raise Cut
        if fault is Fault.RESET:
            raise Cut
        if fault is Fault.STALL:
            await asyncio.sleep(STALL_S)
            raise Cut
        if fault in _REFUSALS:
            return _refusal(fault)
        if call.verb == "watch":
            return await streams.forward(self.upstream, request, wire, call)
        if fault in STALE:
            body = self._snapshots[request.path]
            return web.Response(body=body, content_type="application/json")
        return await self._hand_on(request, body, call, wire, fault)

    async def _hand_on(
        self, request: web.Request, body: bytes, call: Call, wire: Wire, fault: Fault | None
    ) -> web.StreamResponse:
        # What has reached the API server is done, whether or not somebody still waits for it.
        status, text, content_type = await asyncio.shield(self._ask(request, body, call, wire))
        if fault is Fault.CRASH_UNHEARD:
            wire.kill(call.bearer)
            raise Cut
        if fault is Fault.REPLY_LOST:
            raise Cut
        if fault is Fault.REPLY_LATE:
            await asyncio.sleep(STALL_S)
            raise Cut
        if fault is Fault.CRASH_AFTER:
            wire.doom(call.bearer)
        if fault is Fault.TWICE:
            text = _doubled(text)
        return web.Response(body=text, status=status, content_type=content_type)

    async def _ask(
        self, request: web.Request, body: bytes, call: Call, wire: Wire
    ) -> tuple[int, bytes, str]:
        headers = {k: v for k in SENT_ON if (v := request.headers.get(k))}
        async with self.upstream.request(
            request.method, request.path_qs, data=body or None, headers=headers
        ) as answer:
            if answer.status < 300:
                wire.wrote(call)
            return answer.status, await answer.read(), answer.content_type


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _refusal(fault: Fault) -> web.Response:
    status, reason = _REFUSALS[fault]
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f"the plan says {status}",
        "reason": reason,
        "code": status,
    }
    headers = {"Retry-After": "1"} if fault is Fault.THROTTLED else {}
    return web.json_response(body, status=status, headers=headers)


def _doubled(text: bytes) -> bytes:
    listing = json.loads(text)
    listing["items"] = [item for item in listing["items"] for _ in range(2)]
    return json.dumps(listing).encode()
