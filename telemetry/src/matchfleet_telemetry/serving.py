"""Answers /metrics, /livez and /readyz of a process that has no HTTP server of its own.

It runs on the process's own event loop on purpose: a loop that is stuck does not answer, which is
what /livez is for. Three fixed paths need no framework; a request is read up to its blank line,
answered and closed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import prometheus_client
import structlog

from matchfleet_telemetry import health, lag, metrics

READ_TIMEOUT_S: Final = 5.0
MAX_REQUEST_BYTES: Final = 8192
_TEXT: Final = "text/plain; charset=utf-8"

log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def running(
    host: str,
    port: int,
    *,
    process: str = "",
    live: health.Check = health.always_well,
    ready: health.Check = health.always_well,
) -> AsyncIterator[None]:
    """Serves while the block runs, and measures the event loop's lag; port 0 means not at all.

    Args:
        process: the name `matchfleet_build_info` carries.
        live: why this process should be restarted, or None.
        ready: why it should not be relied on just now, or None.

    Raises:
        OSError: the address cannot be bound.
    """
    if process:
        metrics.set_build(process)
    if port == 0:
        yield
        return
    async with listening(host, port, live=live, ready=ready) as bound:
        log.info("telemetry_serving", host=host, port=bound)
        yield


@contextlib.asynccontextmanager
async def listening(
    host: str, port: int, *, live: health.Check, ready: health.Check
) -> AsyncIterator[int]:
    """Serves on `port`, or on a free one if it is 0; yields the port that was bound."""
    answers = _Answers(live=live, ready=ready)
    server = await asyncio.start_server(answers.serve, host, port, limit=MAX_REQUEST_BYTES)
    measuring = asyncio.create_task(lag.measure(), name="event-loop-lag")
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        measuring.cancel()
        server.close()
        with contextlib.suppress(asyncio.CancelledError):
            await measuring


class _Answers:
    def __init__(self, *, live: health.Check, ready: health.Check) -> None:
        self._live = live
        self._ready = ready

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                answer = self._answer(head)
                if head.startswith(b"HEAD "):
                    answer = answer[: answer.index(b"\r\n\r\n") + 4]
                writer.write(answer)
                await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError):
            pass  # The asker went away or never asked; there is nobody to tell.
        except asyncio.LimitOverrunError:
            writer.write(_response(431, _TEXT, b"the request is too large\n"))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _answer(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3:
            return _response(400, _TEXT, b"not an HTTP request\n")
        if words[0] not in {b"GET", b"HEAD"}:
            return _response(405, _TEXT, b"only GET is answered\n")
        match words[1].split(b"?", 1)[0]:
            case b"/metrics":
                body = prometheus_client.generate_latest()
                return _response(200, prometheus_client.CONTENT_TYPE_LATEST, body)
            case b"/livez":
                return _health(self._live())
            case b"/readyz":
                return _health(self._ready())
            case _:
                return _response(404, _TEXT, b"try /metrics, /livez or /readyz\n")


def _health(wrong: str | None) -> bytes:
    if wrong is None:
        return _response(200, _TEXT, b"ok\n")
    return _response(503, _TEXT, wrong.encode() + b"\n")


_PHRASES: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def _response(status: int, content_type: str, body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 {status} {_PHRASES[status]}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
