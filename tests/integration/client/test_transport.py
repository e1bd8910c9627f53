"""REST over a real socket: what arrives, what comes back, and what a broken one becomes."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import test_utils, web

from matchfleet_client import api, errors, transport

PROBLEM = {
    "type": "about:blank",
    "title": "No",
    "status": 409,
    "code": "ticket_open",
    "detail": "x",
}


async def echo(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "method": request.method,
            "query": dict(request.query),
            "body": (await request.read()).decode(),
            "authorization": request.headers.get("Authorization"),
        }
    )


async def busy(_: web.Request) -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "7"})


async def refused(_: web.Request) -> web.Response:
    return web.json_response(PROBLEM, status=409, content_type="application/problem+json")


async def moved(_: web.Request) -> web.Response:
    raise web.HTTPFound("/echo")


async def broken(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[transport.AiohttpTransport]:
    app = web.Application()
    app.router.add_route("*", "/echo", echo)
    app.router.add_get("/busy", busy)
    app.router.add_get("/refused", refused)
    app.router.add_get("/moved", moved)
    app.router.add_get("/broken", broken)
    async with (
        test_utils.TestServer(app) as server,
        transport.AiohttpTransport(str(server.make_url("/"))) as carrier,
    ):
        yield carrier


async def test_a_request_arrives_as_it_was_meant() -> None:
    request = transport.Request("POST", "/echo", {"limit": "5"}, body=b"{}", token="t")
    async with serving() as carrier:
        answer = await carrier.send(request)
    assert answer.status == 200
    for words in (b'"POST"', b'"limit": "5"', b'"{}"', b'"Bearer t"'):
        assert words in answer.body


async def test_a_busy_server_says_how_long() -> None:
    async with serving() as carrier:
        answer = await carrier.send(transport.Request("GET", "/busy"))
    assert (answer.status, answer.retry_after_s) == (503, 7.0)


async def test_a_refusal_keeps_its_code() -> None:
    async with serving() as carrier:
        answer = await carrier.send(transport.Request("GET", "/refused"))
    assert api.refusal(answer).code == "ticket_open"


async def test_a_redirect_is_not_followed_with_a_token() -> None:
    async with serving() as carrier:
        answer = await carrier.send(transport.Request("GET", "/moved", token="t"))
    assert answer.status == 302


async def test_a_broken_connection_is_unreachable() -> None:
    async with serving() as carrier:
        with pytest.raises(errors.Unreachable):
            await carrier.send(transport.Request("GET", "/broken"))


async def test_nobody_there_is_unreachable() -> None:
    unused = test_utils.unused_port()
    async with transport.AiohttpTransport(f"http://127.0.0.1:{unused}") as carrier:
        with pytest.raises(errors.Unreachable, match="is it running"):
            await carrier.send(transport.Request("GET", "/"))
