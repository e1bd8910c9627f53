"""What every request passes: the bound of its body, its time, its place in the metrics.

Pure ASGI: FastAPI's own kind of middleware costs a task a request and holds back streams.
"""

import time
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matchfleet_api import errors, metrics, problems

_UNROUTED = "unrouted"


class BodyLimit:
    """Refuses bodies that are larger than a bound, whatever their header says."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._declared(scope) > self._limit:
            await self._refuse(send)
            return
        seen = 0
        has_answered = False

        def is_over() -> bool:
            return seen > self._limit

        async def bounded() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if is_over():
                raise errors.BodyTooLarge(self._limit)
            return message

        async def noting(message: Message) -> None:
            # Whatever the application makes of the interrupted body, the answer is ours.
            nonlocal has_answered
            if is_over() and not has_answered:
                return
            has_answered = True
            await send(message)

        try:
            await self._app(scope, bounded, noting)
        except errors.BodyTooLarge:
            if has_answered:
                raise
        if is_over() and not has_answered:
            await self._refuse(send)

    @staticmethod
    def _declared(scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
        return 0

    async def _refuse(self, send: Send) -> None:
        refusal = errors.BodyTooLarge(self._limit)
        await answer(send, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, str(refusal), refusal.code)


class Measured:
    """Observes each request's time under its route's template, which has few values."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and observe it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            metrics.REQUEST_TIME.labels(_method(scope), _template(scope), str(status)).observe(
                time.perf_counter() - began
            )


async def answer(send: Send, status: HTTPStatus, detail: str, code: str) -> None:
    """Send a problem without a framework."""
    body = problems.body(status, detail, code)
    headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _template(scope: Scope) -> str:
    route: Any = scope.get("route")
    return getattr(route, "path", None) or _UNROUTED


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "other"
