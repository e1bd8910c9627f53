import asyncio
import contextlib
import json

import aiohttp
import pytest
import steps
from frontdoor import opened

from matchfleet_adapters import rabbitmq
from matchfleet_api.channel import hub, messages
from matchfleet_contracts import events, ids

PROTOCOL = "matchfleet.channel.v1"


@contextlib.asynccontextmanager
async def channel(door, *, protocols=(PROTOCOL,), **options):
    async with (
        asyncio.timeout(20),
        door.http.ws_connect(door.url + "/v1/channel", protocols=protocols, **options) as socket,
    ):
        yield socket


@contextlib.asynccontextmanager
async def logged_in(guest, **options):
    async with channel(guest.door, **options) as socket:
        await socket.send_json({"type": "login", "token": guest.access_token})
        assert await socket.receive_json() == {"type": "hello", "player": guest.id}
        yield socket


async def closed_with(socket):
    message = await socket.receive()
    assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}, message
    return socket.close_code


def event(data):
    return events.event(data, event_id="e", source="/t", at=steps.CLOCK.now())


async def test_a_player_hears_of_a_match_from_queue_to_end(front_door):
    first, _, match = await steps.pair_two(front_door)
    fanout, name = front_door.parts.fanout, ids.match_name(match)
    async with logged_in(first) as one, logged_in(first) as two:
        created = events.MatchCreated(match, "airhockey", "blitz", "eu", [first.id])
        resource = front_door.cluster.make_ready(name, pod="p", url="ws://a:1")
        ready = events.MatchReady(name, resource.uid, "uid-p", "ws://a:1")
        ended = events.MatchEnded(
            name, resource.uid, events.EndedAs.COMPLETED, "airhockey", "blitz", "eu", 2, 0
        )
        rated = events.RatingChanged(first.id, match, "airhockey", "blitz", 1500, 1516)
        for data in (created, ready, ended, rated):
            await fanout.handle(event(data))
        for socket in (one, two):
            heard = [await socket.receive_json() for _ in range(4)]
            assert [m["seq"] for m in heard] == [1, 2, 3, 4]
            assert [m["type"] for m in heard] == [
                "ticket.proposed",
                "match.ready",
                "match.ended",
                "rating.changed",
            ]
            assert heard[1]["data"] == {"match": match, "url": "ws://a:1"}


async def test_who_hears_that_a_match_is_ready_may_join_at_once(front_door):
    first, _, match = await steps.pair_two(front_door)
    name = ids.match_name(match)
    resource = front_door.cluster.make_ready(name, pod="p", url="ws://a:1")
    ready = event(events.MatchReady(name, resource.uid, "uid-p", "ws://a:1"))
    async with logged_in(first) as socket:
        await front_door.parts.fanout.handle(ready)
        assert (await socket.receive_json())["type"] == "match.ready"
        assert (await first.call("POST", f"/v1/matches/{match}/join")).status == 200
    await front_door.parts.fanout.handle(ready)
    found = await front_door.sql("SELECT count(*) AS n FROM outbox WHERE event_id LIKE '%matched'")
    assert found[0]["n"] == 2, "one for each ticket, however often it is heard"


async def test_nobody_hears_what_is_for_others(front_door):
    one, other = await front_door.guest(), await front_door.guest()
    async with logged_in(other) as socket:
        await front_door.parts.fanout.handle(event(events.TicketCancelled("t", one.id)))
        await socket.send_json({"type": "ping"})
        assert await socket.receive_json() == {"type": "pong"}


async def test_a_connection_without_our_protocol_is_not_accepted(front_door):
    for protocols in ((), ("matchfleet.channel.v2",)):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with channel(front_door, protocols=protocols):
                raise AssertionError("it was accepted")
        assert refused.value.status == 403


@pytest.mark.parametrize(
    "said",
    [
        {"type": "login", "token": "x.y.z"},
        {"type": "ping"},
        {"type": "login"},
        {"token": "x"},
        [],
        "x" * 9000,
    ],
)
async def test_a_bad_login_ends_the_connection(front_door, said):
    async with channel(front_door) as socket:
        await socket.send_str(json.dumps(said))
        assert await closed_with(socket) == 4401


async def test_bytes_are_no_login(front_door):
    async with channel(front_door) as socket:
        await socket.send_bytes(b"\x00")
        assert await closed_with(socket) == 4401


async def test_who_says_nothing_is_sent_away(tmp_path, postgres_dsn, redis_url):
    async with (
        opened(tmp_path, dsn=postgres_dsn, redis_url=redis_url, channel_login_seconds=0.1) as door,
        channel(door) as socket,
    ):
        assert await closed_with(socket) == 4408


async def test_who_says_nonsense_later_is_sent_away(front_door):
    guest = await front_door.guest()
    async with logged_in(guest) as socket:
        await socket.send_str('{"type": "shout"}')
        assert await closed_with(socket) == 4400


async def test_pages_of_other_origins_are_refused(tmp_path, postgres_dsn, redis_url):
    async with opened(
        tmp_path, dsn=postgres_dsn, redis_url=redis_url, channel_origins="http://game.example"
    ) as door:
        guest = await door.guest()
        async with logged_in(guest, origin="http://game.example"):
            pass
        async with logged_in(guest):
            pass
        for origin in ("http://evil.example", "http://game.example.evil.example", "null"):
            async with channel(door, origin=origin) as socket:
                assert await closed_with(socket) == 4403


async def test_a_connection_ends_with_its_token(front_door, monkeypatch):
    guest = await front_door.guest()
    issuer = front_door.parts.services.issuer
    real = type(issuer).check

    def nearly_over(self, token):
        claims = real(self, token)
        now_s = front_door.parts.services.clock.now().timestamp()
        return type(claims)(
            **{f: getattr(claims, f) for f in claims.__struct_fields__} | {"exp": now_s + 0.2}
        )

    monkeypatch.setattr(type(issuer), "check", nearly_over)
    async with logged_in(guest) as socket:
        assert await closed_with(socket) == 4401


async def test_a_client_that_does_not_read_is_closed_and_others_are_not(front_door):
    slow, other = await front_door.guest(), await front_door.guest()
    big = messages.Message("ticket.queued", {"ticket": "x" * 200_000})
    async with logged_in(slow) as sleepy, logged_in(other) as awake:
        connected: hub.Hub = front_door.parts.hub
        async with asyncio.timeout(15):
            while connected.is_here(slow.id):
                connected.push([slow.id], big)
                await asyncio.sleep(0)
        connected.push([other.id], messages.Message("ticket.queued", {"ticket": "t"}))
        assert (await awake.receive_json())["seq"] == 1
        await sleepy.close()


async def test_a_process_that_stops_says_so(front_door):
    guest = await front_door.guest()
    async with logged_in(guest) as socket:
        front_door.parts.hub.close()
        assert await closed_with(socket) == 1001


async def test_events_of_the_broker_reach_players(front_door, rabbitmq_url):
    guest = await front_door.guest()
    listening = asyncio.ensure_future(
        front_door.parts.fanout.run(rabbitmq_url, board=front_door.board)
    )
    async with (
        logged_in(guest) as socket,
        rabbitmq.Publisher.connected(rabbitmq_url) as publisher,
    ):
        async with asyncio.timeout(15):
            while front_door.board.report() is not None:  # noqa: ASYNC110 - a board is only read
                await asyncio.sleep(0.02)
        await publisher.publish(event(events.TicketExpired("t", guest.id)))
        assert await socket.receive_json() == {
            "type": "ticket.expired",
            "seq": 1,
            "data": {"ticket": "t"},
        }
    listening.cancel()
    await asyncio.wait({listening})
