import asyncio
import contextlib
import random
from typing import Any

import msgspec
import pytest

from matchfleet_client import channel, errors, notices, sockets


def said(kind: str, **data: Any) -> str:
    return msgspec.json.encode({"type": kind, "seq": 1, "data": data}).decode()


HELLO = msgspec.json.encode({"type": "hello", "player": "p1"}).decode()


class Wire:
    """A socket that tells a list of messages, then closes with a code."""

    def __init__(self, *messages: str, code: int = 1006) -> None:
        self.messages = list(messages)
        self.code = code
        self.sent: list[str | bytes] = []
        self.is_closed = False

    async def send(self, message: str | bytes) -> None:
        self.sent.append(message)

    async def receive(self) -> str | bytes:
        if not self.messages:
            raise sockets.Closed(self.code, "")
        return self.messages.pop(0)

    async def close(self) -> None:
        self.is_closed = True


class Network:
    """Gives out wires in turn; an exception stands for a failed dial. Waits take no time."""

    def __init__(self, *wires: Wire | Exception) -> None:
        self.wires = list(wires)
        self.tokens: list[bool] = []
        self.naps = 0

    async def dial(self, url: str, subprotocol: str) -> sockets.Socket:
        assert url == "ws://here/v1/channel"
        assert subprotocol == "matchfleet.channel.v1"
        if not self.wires:
            await asyncio.Event().wait()
        wire = self.wires.pop(0)
        if isinstance(wire, Exception):
            raise wire
        return wire

    async def token(self, is_refused: bool) -> str:
        self.tokens.append(is_refused)
        return "fresh" if is_refused else "old"

    async def nap(self, _: float) -> None:
        self.naps += 1

    async def hear(self, count: int) -> list[notices.Notice]:
        told = channel.notices_of(
            "ws://here/v1/channel",
            token=self.token,
            dial=self.dial,
            sleep=self.nap,
            rng=random.Random(1),
        )
        heard: list[notices.Notice] = []
        async with contextlib.aclosing(told):
            while len(heard) < count:
                heard.append(await anext(told))
        return heard


async def test_the_login_comes_first_and_notices_follow() -> None:
    wire = Wire(HELLO, said("match.ready", match="m1", url="ws://pod"))
    heard = await Network(wire).hear(2)
    assert heard == [notices.Opened("p1"), notices.MatchReady("m1", "ws://pod")]  # type: ignore[arg-type]
    assert msgspec.json.decode(wire.sent[0]) == {"type": "login", "token": "old"}
    assert wire.is_closed


async def test_a_broken_channel_is_opened_again_and_says_so() -> None:
    network = Network(Wire(HELLO), errors.Unreachable("here", "gone"), Wire(HELLO))
    heard = await network.hear(2)
    assert [type(notice) for notice in heard] == [notices.Opened, notices.Opened]
    assert network.naps == 2


async def test_a_refused_login_is_renewed_once() -> None:
    network = Network(Wire(code=4401), Wire(HELLO))
    await network.hear(1)
    assert network.tokens == [False, True]


async def test_a_login_refused_twice_ends_the_channel() -> None:
    with pytest.raises(errors.ChannelRefused, match="log in again"):
        await Network(Wire(code=4401), Wire(code=4401)).hear(1)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("http://127.0.0.1:8000/", "ws://127.0.0.1:8000/v1/channel"),
        ("https://play.test", "wss://play.test/v1/channel"),
    ],
)
def test_the_channel_is_beside_the_api(base: str, url: str) -> None:
    assert channel.url_of(base) == url
