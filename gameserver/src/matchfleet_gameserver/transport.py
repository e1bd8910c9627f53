"""Carries frames over WebSocket: one task for each connection, and no waiting for any of them.

A client may be slow, silent, loud or hostile: each of these has a limit here, and none of them
takes time from a tick. What is wrong with a client's bytes is told to it and counted, not logged.
"""

import asyncio
import http
import logging
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import websockets
from websockets.asyncio import server as ws_server
from websockets.http11 import Request, Response

from matchfleet_contracts import wire
from matchfleet_gameserver import errors, limits, links, metrics, settings

log = structlog.get_logger()

_CLOSE_TEXT_BYTES = 100
_TCP_NOTSENT_LOWAT = 25
_UNSENT_LOW_BYTES = 16_384
_USER_TIMEOUT_MS = 10_000


class WebSocketLink:
    """See links.Link."""

    def __init__(self, connection: ws_server.ServerConnection) -> None:
        self._connection = connection
        self._closing: asyncio.Task[None] | None = None

    @property
    def unsent_bytes(self) -> int:
        """See links.Link."""
        return self._connection.transport.get_write_buffer_size()

    def send(self, message: bytes) -> None:
        """See links.Link. `broadcast` is the library's way to send without waiting."""
        ws_server.broadcast((self._connection,), message)

    def close(self, code: wire.CloseCode, text: str) -> None:
        """See links.Link."""
        if self._closing is None:
            metrics.CLOSES.labels(code=code.name).inc()
            reason = text.encode()[:_CLOSE_TEXT_BYTES].decode(errors="ignore")
            self._closing = asyncio.create_task(self._connection.close(code, reason))

    async def closed(self) -> None:
        """Wait until a `close` is through; returns at once when there was none."""
        if self._closing is not None:
            await self._closing


class Listener:
    """Accepts players, and hands what they say to the door."""

    def __init__(self, door: links.Door, knobs: settings.Settings) -> None:
        self._door = door
        self._knobs = knobs
        self._open = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen while the block runs; gives the port.

        Raises:
            OSError: the address cannot be bound.
        """
        knobs = self._knobs
        sock = _listening_socket(knobs)
        async with ws_server.serve(
            self._serve,
            sock=sock,
            subprotocols=[websockets.Subprotocol(wire.SUBPROTOCOL)],
            process_request=self._at_the_gate,
            compression=None,
            max_size=wire.MAX_CLIENT_FRAME_BYTES,
            open_timeout=knobs.handshake_seconds,
            ping_interval=knobs.ping_seconds,
            ping_timeout=3 * knobs.ping_seconds,
            close_timeout=knobs.close_seconds,
            server_header=None,
            logger=_quiet_logger(),
        ):
            yield sock.getsockname()[1]

    def _at_the_gate(self, connection: ws_server.ServerConnection, _: Request) -> Response | None:
        if self._open >= self._knobs.max_connections:
            return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "too many connections\n")
        return None

    async def _serve(self, connection: ws_server.ServerConnection) -> None:
        """One connection from its HELLO to its end."""
        self._open += 1
        link = WebSocketLink(connection)
        try:
            await self._talk(connection, link)
        except websockets.ConnectionClosed:
            pass  # It is gone; whoever it played for was told.
        except Exception:
            metrics.UNEXPECTED_CONNECTION.inc()
            log.exception("connection_failed")
        finally:
            self._open -= 1
            await link.closed()

    async def _talk(self, connection: ws_server.ServerConnection, link: WebSocketLink) -> None:
        half = wire.ServerConnection()
        hello = await self._hello(connection, half, link)
        if hello is None:
            return
        try:
            seated = self._door.join(links.JoinToken(hello.token), link, half)
        except errors.JoinRefused as refused:
            link.send(half.refuse(refused.code, str(refused)))
            link.close(refused.code, str(refused))
            return
        try:
            await self._listen(connection, half, link, seated=seated)
        finally:
            self._door.leave(seated)

    async def _hello(
        self,
        connection: ws_server.ServerConnection,
        half: wire.ServerConnection,
        link: WebSocketLink,
    ) -> wire.Hello | None:
        try:
            async with asyncio.timeout(self._knobs.join_grace_seconds):
                frame = half.receive(await connection.recv())
        except TimeoutError:
            text = "no HELLO came in time"
            link.send(half.refuse(wire.CloseCode.PROTOCOL, text))
            link.close(wire.CloseCode.PROTOCOL, text)
            return None
        if isinstance(frame, wire.Violation):
            _refuse(link, frame)
            return None
        return frame if isinstance(frame, wire.Hello) else None

    async def _listen(
        self,
        connection: ws_server.ServerConnection,
        half: wire.ServerConnection,
        link: WebSocketLink,
        *,
        seated: links.Seated,
    ) -> None:
        bucket = limits.Bucket(self._knobs.max_frames_per_second, at=time.monotonic())
        while True:
            frame = half.receive(await connection.recv())
            if not bucket.take(time.monotonic()):
                text = f"more than {self._knobs.max_frames_per_second} frames a second"
                link.send(half.refuse(wire.CloseCode.RATE_LIMITED, text))
                link.close(wire.CloseCode.RATE_LIMITED, text)
                return
            match frame:
                case None:
                    continue
                case wire.Violation():
                    _refuse(link, frame)
                    return
                case wire.Leave():
                    link.close(wire.CloseCode.LEFT, "")
                    return
                case _:
                    self._door.receive(seated, frame)


def _refuse(link: WebSocketLink, violation: wire.Violation) -> None:
    link.send(violation.error)
    link.close(violation.code, violation.text)


def _quiet_logger() -> logging.Logger:
    """Says nothing: the library prints a stack trace for each client that sends nonsense."""
    logger = logging.getLogger("matchfleet.websockets")
    logger.disabled = True
    return logger


def _listening_socket(knobs: settings.Settings) -> socket.socket:
    """A socket whose connections inherit its options (Linux's tcp(7))."""
    sock = socket.create_server((knobs.pod_ip, knobs.game_port), backlog=256)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, knobs.send_buffer_bytes)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_LOW_BYTES)
    return sock
