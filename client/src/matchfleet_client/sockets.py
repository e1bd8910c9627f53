"""A WebSocket as this package needs it, and the library that provides it.

The channel and the game connection state what they need of a socket; tests give them one made of
lists. Closing is an exception with a code, for a code decides what happens next.
"""

import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

import websockets
import websockets.asyncio.client

from matchfleet_client import errors, trust

MAX_MESSAGE_BYTES = 1_048_576
NO_CLOSE_FRAME = 1006
"""Code of a connection that broke without a word (RFC 6455, 7.1.5)."""


class Closed(Exception):
    """The other side closed, or the connection broke."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"closed with {code} {reason}".rstrip())


class Socket(Protocol):
    """One open WebSocket; every method raises `Closed` once it is not."""

    async def send(self, message: str | bytes) -> None:
        """Send one message: text as str, binary as bytes."""
        ...

    async def receive(self) -> str | bytes:
        """The next message."""
        ...

    async def close(self) -> None:
        """Close in good order; may be called twice."""
        ...


Dial = Callable[[str, str], Awaitable[Socket]]
"""Open a WebSocket at a URL with a subprotocol; raises `errors.Unreachable`."""


class WebSocket:
    """`Socket` over the websockets library."""

    def __init__(self, connection: websockets.asyncio.client.ClientConnection) -> None:
        self._connection = connection

    async def send(self, message: str | bytes) -> None:
        """Send one message."""
        try:
            await self._connection.send(message)
        except websockets.ConnectionClosed as error:
            raise _closed(error) from error

    async def receive(self) -> str | bytes:
        """The next message."""
        try:
            return await self._connection.recv()
        except websockets.ConnectionClosed as error:
            raise _closed(error) from error

    async def close(self) -> None:
        """Close in good order."""
        await self._connection.close()


def dialing(tls: ssl.SSLContext) -> Dial:
    """A `Dial` that holds `wss://` addresses against these settings."""

    async def dial_trusting(url: str, subprotocol: str) -> Socket:
        return await dial(url, subprotocol, tls=tls)

    return dial_trusting


async def dial(url: str, subprotocol: str, *, tls: ssl.SSLContext | None = None) -> Socket:
    """Open a WebSocket.

    tls: for `wss://` only; without it the system's authorities are trusted.

    Raises:
        errors.Unreachable: nothing answers, or what answers does not speak `subprotocol`.
    """
    try:
        connection = await websockets.asyncio.client.connect(
            url,
            subprotocols=[websockets.Subprotocol(subprotocol)],
            compression=None,  # frames are small, and latency is worth more than bytes here
            max_size=MAX_MESSAGE_BYTES,
            open_timeout=5,
            close_timeout=2,
            proxy=None,
            ssl=(tls or trust.context(None)) if url.startswith("wss:") else None,
        )
    except (OSError, TimeoutError, websockets.InvalidHandshake, websockets.InvalidURI) as error:
        raise errors.Unreachable(url, str(error) or type(error).__name__) from error
    if connection.subprotocol != subprotocol:
        await connection.close()
        raise errors.Unreachable(url, f"it does not speak {subprotocol}")
    return WebSocket(connection)


def _closed(error: websockets.ConnectionClosed) -> Closed:
    if error.rcvd is None:
        return Closed(NO_CLOSE_FRAME, "")
    return Closed(error.rcvd.code, error.rcvd.reason)
