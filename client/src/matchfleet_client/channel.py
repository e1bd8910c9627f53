"""The channel: what the server pushes to one player, for as long as the player listens.

A broken connection is opened again with growing waits, for ever. Nothing is replayed by the
server, so each opening yields `notices.Opened`, at which the listener reads the state over REST:
the channel makes things fast, REST makes them right.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable

import msgspec

from matchfleet_client import backoff, errors, notices, sockets

SUBPROTOCOL = "matchfleet.channel.v1"
BAD_LOGIN = 4401
FOREVER = backoff.Backoff(first_s=0.2, most_s=5.0, tries=None)

Token = Callable[[bool], Awaitable[str]]
"""An access token; True asks for one that has just been renewed."""


def url_of(base_url: str) -> str:
    """The channel's address beside the API's."""
    scheme, _, rest = base_url.rstrip("/").partition("://")
    return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/v1/channel"


async def notices_of(
    url: str,
    *,
    token: Token,
    dial: sockets.Dial = sockets.dial,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    rng: random.Random | None = None,
) -> AsyncGenerator[notices.Notice]:
    """What happens to the player, until the caller stops listening.

    Raises:
        errors.ChannelRefused: the login is refused even after it was renewed.
    """
    rng = rng or random.Random()
    waits = backoff.waits(FOREVER, rng=rng)
    refused: sockets.Closed | None = None
    while True:
        try:
            words = _connection(url, token=await token(refused is not None), dial=dial)
            # Closed by hand: a generator left to the collector would keep its socket until then.
            async with contextlib.aclosing(words):
                async for notice in words:
                    # It works: the next break begins with short waits again.
                    waits, refused = backoff.waits(FOREVER, rng=rng), None
                    yield notice
        except errors.Unreachable:
            pass
        except sockets.Closed as closed:
            if closed.code == BAD_LOGIN:
                if refused is not None:
                    raise errors.ChannelRefused(closed.code, closed.reason) from closed
                refused = closed
                continue
        await sleep(next(waits))


async def _connection(
    url: str, *, token: str, dial: sockets.Dial
) -> AsyncGenerator[notices.Notice]:
    socket = await dial(url, SUBPROTOCOL)
    try:
        await socket.send(msgspec.json.encode({"type": "login", "token": token}).decode())
        while True:
            notice = notices.decode(await socket.receive())
            if notice is not None:
                yield notice
    finally:
        await socket.close()
