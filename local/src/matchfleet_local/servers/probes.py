"""When is a server ready? When it answers in its own protocol.

An open port proves little: PostgreSQL listens while it still recovers, Redis while it still loads.
Each probe speaks the first words of the protocol and judges the answer. No client library is
needed for that, and none is wanted here.
"""

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Protocol

from matchfleet_local.servers import recipes

ANSWER_WITHIN_S = 2.0
RETRY_S = 0.02

POSTGRES_PROTOCOL = 3 << 16
AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
AMQP_METHOD_FRAME = 1


class Probe(Protocol):
    """Asks once whether the server at a loopback port is ready."""

    def __call__(self, port: int, /) -> Awaitable[bool]:
        """Return whether it answered that it is."""


def postgres_hello(user: str, database: str) -> bytes:
    """A startup message, as frontends send it first."""
    words = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database))
    body = struct.pack("!i", POSTGRES_PROTOCOL) + words + b"\0"
    return struct.pack("!i", len(body) + 4) + body


async def postgres(port: int) -> bool:
    """Ready when it asks who we are (`R`), not when it says that it is starting up (`E`)."""
    return await _ask(port, postgres_hello(recipes.USER, "postgres"), 1) == b"R"


def redis(password: str) -> Probe:
    """Ready when it answers one who knows the password: to others it does not say that it loads."""
    ready = b"+OK\r\n+PONG"

    async def ask(port: int) -> bool:
        words = f"AUTH {password}\r\nPING\r\n".encode()
        return await _ask(port, words, len(ready)) == ready

    return ask


async def rabbitmq(port: int) -> bool:
    """Ready when it opens the conversation: listeners are the last step of its boot."""
    answer = await _ask(port, AMQP_HEADER, 1)
    return answer == bytes((AMQP_METHOD_FRAME,))


async def until_ready(
    probe: Callable[[int], Awaitable[bool]], port: int, *, has_ended: Callable[[], bool]
) -> bool:
    """Ask until the server is ready (True) or its process has ended (False)."""
    while not has_ended():
        if await probe(port):
            return True
        await asyncio.sleep(RETRY_S)
    return False


async def _ask(port: int, words: bytes, size: int) -> bytes:
    """Say `words`, return the first `size` bytes of the answer, or what there was."""
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(ANSWER_WITHIN_S):
            reader, writer = await asyncio.open_connection(recipes.LOOPBACK, port)
            try:
                writer.write(words)
                return await reader.readexactly(size)
            finally:
                writer.close()
    return b""
