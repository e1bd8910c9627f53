"""The thin client: what it sends, what each answer means, and that it never waits for long."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from matchfleet_operator import errors
from matchfleet_operator.acting import client, kube
from matchfleet_operator.acting.bucket import Bucket
from matchfleet_operator.watching import access

Answer = Callable[[web.Request], Awaitable[web.Response]]


@contextlib.asynccontextmanager
async def serving(answer: Answer, **reach) -> AsyncIterator[client.Client]:
    """A client of a server that answers so."""
    served = web.Application()
    served.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(served, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found = access.Access(server=f"http://127.0.0.1:{runner.addresses[0][1]}", **reach)
    async with client.open_session(found, connections=8) as session:
        yield client.Client(
            session,
            found,
            namespace="games",
            writes=Bucket(per_s=1000, burst=100),
            timeout_s=0.3,
        )
    await runner.cleanup()


def status(code: int, reason: str = "", **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.Response:
        body = {"kind": "Status", "reason": reason, "message": f"because {reason}"}
        return web.json_response(body, status=code, headers=headers)

    return answer


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (401, "Unauthorized", errors.Unauthorized),
        (403, "Forbidden", errors.Refused),
        (404, "NotFound", errors.NotFound),
        (409, "Conflict", errors.Conflict),
        (409, "AlreadyExists", errors.AlreadyExists),
        (410, "Expired", errors.Expired),
        (422, "Invalid", errors.Refused),
        (429, "TooManyRequests", errors.Throttled),
        (500, "InternalError", errors.ServerFailed),
        (504, "Timeout", errors.ServerFailed),
    ],
    ids=str,
)
async def test_each_refusal_is_an_error_of_its_own(code, reason, kind):
    async with serving(status(code, reason)) as api:
        with pytest.raises(kind, match="because") as told:
            await api.get(kube.PODS, "p")
    assert type(told.value) is kind


async def test_a_throttled_client_is_told_when_to_come_back():
    async with serving(status(429, "TooManyRequests", **{"Retry-After": "7"})) as api:
        with pytest.raises(errors.Throttled) as told:
            await api.get(kube.PODS, "p")
    assert told.value.retry_after_s == 7


async def test_a_server_that_hangs_is_given_up_in_time():
    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits for this")

    async with serving(answer) as api:
        began = time.monotonic()
        with pytest.raises(errors.Unreachable):
            await api.get(kube.PODS, "p")
    assert time.monotonic() - began < 5


async def test_a_server_that_is_not_there_is_unreachable():
    nowhere = access.Access(server="http://127.0.0.1:1")
    async with client.open_session(nowhere, connections=1) as session:
        api = client.Client(
            session, nowhere, namespace="games", writes=Bucket(per_s=1, burst=1), timeout_s=1
        )
        with pytest.raises(errors.Unreachable):
            await api.get(kube.PODS, "p")


async def test_a_token_that_was_replaced_is_read_again_at_once(tmp_path):
    token = tmp_path / "token"
    token.write_text("old")
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        if seen[-1] == "Bearer new":
            return web.json_response({"metadata": {"name": "p"}})
        token.write_text("new")
        return web.json_response({}, status=401)

    async with serving(answer, token_file=token) as api:
        found = await api.get(kube.PODS, "p")
    assert found["metadata"]["name"] == "p"
    assert seen == ["Bearer old", "Bearer new"]


async def test_a_list_is_read_page_by_page_and_begun_again_when_its_version_is_gone():
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        assert "resourceVersion" not in request.query
        match len(asked):
            case 1 | 3:
                meta = {"resourceVersion": "5", "continue": "more"}
                return web.json_response({"metadata": meta, "items": [{"n": 1}]})
            case 2:
                return await status(410, "Expired")(request)
            case _:
                return web.json_response(
                    {"metadata": {"resourceVersion": "5"}, "items": [{"n": 2}]}
                )

    async with serving(answer) as api:
        listing = await api.list_all(kube.PODS, selector="a=b")
    assert [i["n"] for i in listing.items] == [1, 2]
    assert listing.version == 5
    assert [q.get("continue") for q in asked] == [None, "more", None, "more"]
    assert {q["labelSelector"] for q in asked} == {"a=b"}


async def test_requests_go_where_each_kind_lives():
    seen = []

    async def answer(request: web.Request) -> web.Response:
        content_type = request.headers.get("Content-Type")
        seen.append((request.method, request.path, content_type))
        return web.json_response({"metadata": {"name": "x"}})

    async with serving(answer) as api:
        await api.patch(kube.MATCHES, "m", {"metadata": {}}, part="status")
        await api.create(kube.PODS, {"metadata": {"name": "p"}})
        await api.get(kube.NAMESPACES, "games")
    matches = "/apis/matchfleet.dev/v1alpha1/namespaces/games/matches"
    assert seen == [
        ("PATCH", f"{matches}/m/status", "application/merge-patch+json"),
        ("POST", "/api/v1/namespaces/games/pods", "application/json"),
        ("GET", "/api/v1/namespaces/games", None),
    ]


@pytest.mark.parametrize(
    ("meta", "is_left"),
    [
        ({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 30}, True),
        ({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 0, "finalizers": ["f"]}, True),
        ({"deletionTimestamp": "t", "deletionGracePeriodSeconds": 0}, False),
        ({}, False),
    ],
    ids=["stopping", "held", "gone at once", "a Status"],
)
async def test_a_deletion_says_whether_something_is_left(meta, is_left):
    sent = []

    async def answer(request: web.Request) -> web.Response:
        sent.append(await request.json())
        return web.json_response({"kind": "Pod", "metadata": meta})

    async with serving(answer) as api:
        left = await api.delete(kube.PODS, "p", uid="u", version=7, grace_s=2)
    assert (left is not None) is is_left
    assert sent[0]["preconditions"] == {"uid": "u", "resourceVersion": "7"}
    assert sent[0]["gracePeriodSeconds"] == 2


async def test_writes_beyond_the_burst_wait_their_turn():
    bucket = Bucket(per_s=100, burst=5)
    began = time.monotonic()
    for _ in range(5):
        await bucket.take()
    assert time.monotonic() - began < 0.04
    for _ in range(10):
        await bucket.take()
    assert time.monotonic() - began >= 0.095


async def test_credentials_are_presented_to_nobody_else():
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/")

    async with serving(elsewhere, token="secret") as api:
        with pytest.raises((errors.ApiError, aiohttp.ClientError)):
            await api.get(kube.PODS, "p")
