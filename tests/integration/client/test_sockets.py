"""WebSockets over a real socket: subprotocols, close codes, and a channel that comes back."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import websockets
from aiohttp import test_utils
from websockets.asyncio import server as ws

from matchfleet_api import clock
from matchfleet_api.commands import certificates
from matchfleet_client import channel, errors, notices, sockets, trust

Handler = Callable[[ws.ServerConnection], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler, subprotocol: str) -> AsyncIterator[str]:
    protocols = [websockets.Subprotocol(subprotocol)]
    async with ws.serve(handler, "127.0.0.1", 0, subprotocols=protocols) as server:
        port = server.sockets[0].getsockname()[1]
        yield f"ws://127.0.0.1:{port}/v1/channel"


async def test_messages_go_both_ways_and_a_close_keeps_its_code() -> None:
    async def handler(connection: ws.ServerConnection) -> None:
        assert await connection.recv() == b"\x01"
        await connection.send("text")
        await connection.close(4008, "over")

    async with serving(handler, "matchfleet.v1") as url:
        socket = await sockets.dial(url, "matchfleet.v1")
        await socket.send(b"\x01")
        assert await socket.receive() == "text"
        with pytest.raises(sockets.Closed) as closed:
            await socket.receive()
        await socket.close()
    assert (closed.value.code, closed.value.reason) == (4008, "over")


async def test_a_server_of_another_protocol_is_unreachable() -> None:
    async def handler(connection: ws.ServerConnection) -> None:
        await connection.wait_closed()

    async with serving(handler, "other.v1") as url:
        with pytest.raises(errors.Unreachable):
            await sockets.dial(url, "matchfleet.v1")


async def test_an_authority_of_ones_own_opens_wss_and_no_other_does(tmp_path: Path) -> None:
    made = certificates.self_made(["127.0.0.1"], now=clock.SystemClock().now())
    for name, text in made.items():
        (tmp_path / name).write_bytes(text)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    strict = trust.context(tmp_path / "ca.crt")
    strict.verify_flags |= ssl.VERIFY_X509_STRICT

    async def handler(connection: ws.ServerConnection) -> None:
        await connection.wait_closed()

    async with ws.serve(
        handler, "127.0.0.1", 0, subprotocols=[websockets.Subprotocol("x.v1")], ssl=served
    ) as server:
        port = server.sockets[0].getsockname()[1]
        socket = await sockets.dialing(strict)(f"wss://127.0.0.1:{port}/play/p", "x.v1")
        await socket.close()
        with pytest.raises(errors.Unreachable, match="certificate verify failed"):
            await sockets.dial(f"wss://127.0.0.1:{port}/play/p", "x.v1")
        with pytest.raises(errors.Unreachable, match="localhost"):
            await sockets.dialing(strict)(f"wss://localhost:{port}/play/p", "x.v1")


async def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(errors.Unreachable):
        await sockets.dial(f"ws://127.0.0.1:{test_utils.unused_port()}", "matchfleet.v1")


async def test_a_channel_that_breaks_is_opened_again_with_a_fresh_login() -> None:
    logins: list[str] = []

    async def handler(connection: ws.ServerConnection) -> None:
        said = msgspec.json.decode(await connection.recv())
        logins.append(said["token"])
        if said["token"] == "old":
            await connection.close(4401, "expired")
            return
        await connection.send('{"type": "hello", "player": "p1"}')
        if len(logins) > 2:
            await connection.wait_closed()

    async def token(is_refused: bool) -> str:
        return "fresh" if is_refused or logins else "old"

    async with serving(handler, channel.SUBPROTOCOL) as url:
        told = channel.notices_of(url, token=token)
        async with contextlib.aclosing(told):
            heard = [await anext(told), await anext(told)]
    assert logins == ["old", "fresh", "fresh"]
    assert [type(notice) for notice in heard] == [notices.Opened, notices.Opened]
