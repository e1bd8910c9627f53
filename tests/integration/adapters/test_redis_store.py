"""The cache's store keeps one contract, in memory and on Redis."""

import asyncio
import time

import pytest

from matchfleet_adapters import errors
from matchfleet_adapters.redis import connection, memory, store


@pytest.fixture(params=["memory", "redis"])
async def kept(request, redis_url):
    if request.param == "memory":
        yield memory.MemoryStore(time.monotonic)
        return
    client = connection.client(redis_url, timeout_s=1.0)
    yield store.RedisStore(client, budget_s=1.0)
    await client.aclose()


async def test_what_is_written_is_read(kept):
    await kept.write({"a": b"1", "b": b"\x00\xff"}, expire_ms=10_000)
    assert await kept.read(["a", "b", "c"]) == [b"1", b"\x00\xff", None]


async def test_what_expired_is_not_read(kept):
    await kept.write({"a": b"1"}, expire_ms=30)
    async with asyncio.timeout(5):
        while await kept.read(["a"]) != [None]:  # noqa: ASYNC110 - nobody tells that it expired
            await asyncio.sleep(0.01)


async def test_the_first_of_two_writers_is_kept(kept):
    assert await kept.write_if_absent("a", b"1") == b"1"
    assert await kept.write_if_absent("a", b"2") == b"1"
    assert await kept.read(["a"]) == [b"1"]


async def test_keys_are_found_by_their_beginning(kept):
    await kept.write({"x:1": b"1", "x:2": b"2", "y:1": b"3"}, expire_ms=10_000)
    assert {key async for key in kept.scan("x:")} == {"x:1", "x:2"}


async def test_a_redis_that_is_away_is_told_within_the_budget(unused_tcp_port):
    client = connection.client(f"redis://127.0.0.1:{unused_tcp_port}/0", timeout_s=0.05)
    kept = store.RedisStore(client, budget_s=0.05)
    for call in (
        kept.read(["a"]),
        kept.write({"a": b"1"}, expire_ms=1),
        kept.write({"a": b"1", "b": b"2"}, expire_ms=1),
        kept.write_if_absent("a", b"1"),
        anext(kept.scan("a")),
    ):
        with pytest.raises(errors.Unavailable, match="Redis does not answer"):
            await call
    await client.aclose()


async def test_a_redis_that_hangs_costs_no_more_than_the_budget():
    async def never_answers(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never_answers, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = connection.client(f"redis://127.0.0.1:{port}/0", timeout_s=5.0)
    kept = store.RedisStore(client, budget_s=0.05)
    began = time.monotonic()
    with pytest.raises(errors.Unavailable):
        await kept.read(["a"])
    assert time.monotonic() - began < 2.0
    await client.aclose()
    server.close()
    await server.wait_closed()
