"""Nothing is lost and nothing counts twice when a worker, a store or the broker goes away."""

import asyncio
import json
import socket
import sys

import aio_pika
import pytest

from matchfleet_adapters import rabbitmq
from matchfleet_contracts import events, topology

GAME, MODE = "airhockey", "blitz"


async def publish_all(publisher, matches, *, times=1):
    deliveries = [match.ended(1, 2) for match in matches] * times
    await asyncio.gather(*(publisher.publish(event) for event in deliveries))


async def emptied(url, *, queue="ranking"):
    async with asyncio.timeout(30):
        while [  # noqa: ASYNC110
            d for d in await rabbitmq.depths(url) if d.queue == queue and d.messages
        ]:
            await asyncio.sleep(0.1)


async def dead(url):
    return sum(depth.dead for depth in await rabbitmq.depths(url))


async def test_workers_killed_in_the_middle_lose_and_double_nothing(
    world, publisher, run_worker, rabbitmq_url
):
    players = await world.players(10)
    matches = [
        await world.match([players[n % 10], players[(n * 3 + 1) % 10]], live=False)
        for n in range(150)
        if n % 10 != (n * 3 + 1) % 10
    ]
    await publish_all(publisher, matches, times=2)
    async with run_worker("ranking", lanes=4) as doomed:
        await world.until_rated(10)
        await doomed.kill()
    rated_by_then = await world.rated()
    assert rated_by_then < len(matches)
    async with run_worker("ranking", lanes=2) as first, run_worker("ranking", lanes=2) as second:
        await world.until_rated(rated_by_then + 10)
        await second.kill()
        await world.until_rated(len(matches))
        assert await first.stop() == 0
    await world.audit(matches=matches)
    assert await dead(rabbitmq_url) == 0


async def test_a_worker_told_to_stop_finishes_what_is_in_hand(world, publisher, run_worker):
    matches = [await world.match(live=False) for _ in range(60)]
    await publish_all(publisher, matches)
    async with run_worker("ranking", lanes=2) as worker:
        await world.until_rated(5)
        assert await worker.stop(timeout_s=15) == 0
    async with run_worker("ranking") as worker:
        await world.until_rated(len(matches))
        assert await worker.stop(timeout_s=15) == 0
    await world.audit(matches=matches)


async def test_a_worker_that_waits_for_postgresql_says_so_and_stops_when_told(
    environment, run_worker
):
    environment["MATCHFLEET_POSTGRES_DSN"] = "postgresql://nobody@127.0.0.1:1/none"
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    async with run_worker(
        "analytics", wait_seconds=60, metrics_host="127.0.0.1", metrics_port=port
    ) as worker:
        assert await asked(port, "/readyz") == (503, "postgres: not there yet\n")
        assert (await asked(port, "/livez"))[0] == 200
        assert 'matchfleet_build_info{process="analytics"' in (await asked(port, "/metrics"))[1]
        assert await worker.stop(timeout_s=10) == 0


async def asked(port, path):
    """Status and body, once the process listens."""
    async with asyncio.timeout(30):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            writer.close()
            await writer.wait_closed()
            head, _, body = answer.partition("\r\n\r\n")
            return int(head.split(" ")[1]), body


async def test_ratings_move_after_postgresql_was_away(
    world, publisher, ranking, rabbitmq_url, postgres_server, postgres_dsn
):
    matches = [await world.match(live=False) for _ in range(120)]
    await publish_all(publisher, matches)
    async with ranking():
        await world.until_rated(10)
        await world.sql.close()
        await postgres_server.stop()
        late = [match.ended(1, 2) for match in matches[:20]]
        await asyncio.gather(*(publisher.publish(event) for event in late))
        await asyncio.sleep(2)  # long enough for every lane to fail several times
        await postgres_server.start()
        await world.reconnect(postgres_dsn)
        await world.until_rated(len(matches))
        await emptied(rabbitmq_url)
    await world.audit(matches=matches)
    assert await dead(rabbitmq_url) == 0


async def test_ratings_move_after_the_broker_was_away(
    world, publisher, ranking, rabbitmq_url, rabbitmq_server
):
    matches = [await world.match(live=False) for _ in range(150)]
    await publish_all(publisher, matches)
    async with ranking(), ranking():
        await world.until_rated(10)
        await rabbitmq_server.stop()
        await rabbitmq_server.start()
        await world.until_rated(len(matches))
        await emptied(rabbitmq_url)
    await world.audit(matches=matches)
    assert await dead(rabbitmq_url) == 0


async def test_ratings_move_without_redis_and_the_view_is_whole_again_afterwards(
    world, recorder, view, redis_server
):
    shown, hidden = await world.match(), await world.match()
    await recorder.handle(shown.ended(1, 2))
    await redis_server.stop()
    await recorder.handle(hidden.ended(1, 2))
    assert len(await world.ratings()) == 4
    await redis_server.start()
    assert await is_behind(world, view)
    async with asyncio.timeout(60):
        while await is_behind(world, view):
            await recorder.handle((await world.match()).ended(1, 2))
    expected = {player: rating for player, (rating, _) in (await world.ratings()).items()}
    assert dict((await view.top(GAME, MODE, limit=10_000)).rows) == expected


async def is_behind(world, view):
    """Whether the view has missed a move, which everybody who reads it can see."""
    shown = await view.top(GAME, MODE, limit=1)
    last = await world.sql.fetchval("SELECT max(seq) FROM rating_ledger")
    return shown is None or shown.last != last


POISON = {
    "not JSON": b"\xff\x00",
    "empty": b"",
    "a number": b"42",
    "deeply nested": b'{"data":' * 20_000,
    "unknown type": b'{"id":"1","source":"/x","type":"t","time":"2026-01-01T00:00:00Z",'
    b'"data":{"type":"coins.minted"}}',
    "too large": b" " * 70_000,
}


def end_of(match, **changes):
    body = events.encode(match.ended(1, 2))
    for before, after in changes.values():
        assert before in body
        body = body.replace(before, after)
    return body


async def test_poison_is_kept_with_its_reason_and_holds_up_nothing(
    world, publisher, ranking, rabbitmq_url
):
    match = await world.match()
    poison = [
        *POISON.values(),
        end_of(match, time=(b'"time":"2', b'"time":"x')),
        end_of(match, seat=(b'"seat":0', b'"seat":"first"')),
        end_of(match, rank=(b'"rank":1', b'"rank":null')),
        end_of(match, outcome=(b'"outcome":"completed"', b'"outcome":"won"')),
        end_of(match, ended=(b'"ended_as":"completed"', b'"ended_as":"maybe"')),
        end_of(match, ticks=(b'"ticks":1200', b'"ticks":1e999')),
        end_of(match, version=(b'"specversion":"1.0"', b'"specversion":"9"')),
    ]
    good = [await world.match() for _ in range(len(poison))]
    await publisher.publish(good[0].ended(1, 2))  # so that the queues are there
    async with await rabbitmq.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        for body, following in zip(poison, good, strict=True):
            for each in (body, events.encode(following.ended(1, 2))):
                await channel.default_exchange.publish(_message(each), routing_key="ranking")
    async with ranking():
        await world.until_rated(len(good))
        await emptied(rabbitmq_url)
    await world.audit(matches=good)
    assert (await world.row(match))["state"] == "ready"
    letters = await rabbitmq.dead_letters(rabbitmq_url, topology.RANKING)
    assert sorted(letter.body for letter in letters) == sorted(poison)
    assert all(letter.reason for letter in letters)


async def test_a_dead_message_is_shown_and_counts_once_its_reason_is_gone(
    world, publisher, ranking, environment, rabbitmq_url
):
    match = await world.match()
    await world.sql.execute("ALTER TABLE ratings RENAME TO mislaid")
    await publisher.publish(match.ended(1, 2))
    async with ranking():
        async with asyncio.timeout(120):
            while await dead(rabbitmq_url) != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
    [shown] = await ran(environment, "dead", "ranking")
    assert "mislaid" in shown["reason"] or "ratings" in shown["reason"]
    assert match.id in shown["body"]

    await world.sql.execute("ALTER TABLE mislaid RENAME TO ratings")
    assert await ran(environment, "dead", "ranking", "--replay") == [
        {"queue": "ranking", "replayed": 1}
    ]
    async with ranking():
        await world.until_rated(1)
    await world.audit(matches=[match])
    assert await ran(environment, "dead", "ranking") == []


async def ran(environment, *arguments):
    """What a command printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "matchfleet_workers",
        *arguments,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


def _message(body):
    return aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)


@pytest.mark.parametrize("seed", range(2))
async def test_hostile_numbers_and_letters_in_a_result_do_not_keep_the_match_alive(
    world, recorder, seed
):
    # A result is a game server's word; whatever it says, the match must not stay live for ever.
    match = await world.match()
    score = (-(2**63), 2**63 - 1)[seed]
    result = match.result(message="\x00\ud7ff\U0001f3d2")
    standings = [type(s)(seat=s.seat, rank=s.rank, score=score) for s in result.standings]
    hostile = match.ended(result=match.result(standings=standings, message=result.message))
    await recorder.handle(events.decode(events.encode(hostile)))
    assert (await world.row(match))["state"] == "completed"
