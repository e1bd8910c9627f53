"""The two doors of a server: who is let in, and what the others are told."""

import asyncio
import contextlib
import socket
from typing import Any

import pytest
import websockets

from matchfleet_contracts import wire
from matchfleet_contracts.games import airhockey

ENDLESS = {"durationSeconds": 600}


async def test_an_assignment_is_taken_once_and_may_be_repeated(a: Any, start_server: Any) -> None:
    server = await start_server()
    for path in ("/livez", "/readyz"):
        assert await server.get(path) == (200, "ok\n")
    stranger = a.assignment(key=a.stranger)
    assert (await server.post(stranger))[0] == 401
    assert (await server.post(a.assignment(aud="another-pod")))[0] == 401
    assert (await server.post("rubbish"))[0] == 401
    status, answer = await server.post(a.assignment(config={"durationSeconds": 0}))
    assert status == 422
    assert "durationSeconds" in answer["detail"]
    assert (await server.post(a.assignment(game="chess")))[0] == 422
    await server.assign()
    await server.assign()
    status, answer = await server.post(a.assignment(match_uid="another"))
    assert (status, answer) == (409, {"match_uid": a.match_uid})
    assert await server.metric("matchfleet_assignments_total") == 8


async def test_nobody_is_let_in_before_there_is_a_match(a: Any, start_server: Any) -> None:
    server = await start_server()
    async with server.connection() as early:
        refused = await early.hello(a.join_token(0))
        assert isinstance(refused, wire.Error)
        assert await early.closed() == wire.CloseCode.TOKEN_REFUSED


async def test_only_the_right_token_opens_a_seat_and_only_once(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(a.human(0), a.bot(1), config=ENDLESS)
    token = a.join_token(0)
    cases = {
        a.join_token(0, key=a.stranger): wire.CloseCode.TOKEN_REFUSED,
        a.join_token(0, aud="match-uid/another-pod"): wire.CloseCode.TOKEN_REFUSED,
        a.join_token(0, iat=1000, exp=1060): wire.CloseCode.TOKEN_REFUSED,
        a.assignment(key=a.stranger): wire.CloseCode.TOKEN_REFUSED,
        a.join_token(1): wire.CloseCode.SEAT_TAKEN,
        a.join_token(7): wire.CloseCode.SEAT_TAKEN,
        token: wire.CloseCode.TOKEN_REFUSED,
        a.join_token(0, sub="another"): wire.CloseCode.SEAT_TAKEN,
    }
    async with server.connection() as first:
        assert isinstance(await first.hello(token), wire.Welcome)
        for wrong, code in cases.items():
            async with server.connection() as other:
                refused = await other.hello(wrong)
                assert isinstance(refused, wire.Error)
                assert refused.code is code
                assert await other.closed() == code
        await first.until(wire.Full)


async def test_a_player_who_comes_back_takes_the_seat_over_at_once(
    a: Any, start_server: Any
) -> None:
    server = await start_server()
    await server.assign(config=ENDLESS)
    async with server.player(0) as one, server.player(1) as two:
        await one.until(wire.Full)
        async with server.player(0) as again:
            assert await one.closed() == wire.CloseCode.REPLACED
            await again.socket.send(again.half.inputs(airhockey.encode_input(airhockey.Move(1))))
            await again.until(wire.Full, lambda full: full.ack_seq == 1)
            await again.socket.send(again.half.leave())
            assert await again.closed() == wire.CloseCode.LEFT
        stands_in = await two.until(
            wire.Presence, lambda seen: seen.seats[0].holder is wire.Holder.STAND_IN
        )
        assert stands_in.seats[1].holder is wire.Holder.HUMAN
        async with server.player(0) as back:
            await back.until(wire.Full)


async def test_ping_is_answered_with_the_tick(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(a.human(0), a.bot(1), config=ENDLESS)
    async with server.player(0) as one:
        await one.until(wire.Full, lambda full: full.tick >= 2)
        await one.socket.send(one.half.ping(77))
        pong = await one.until(wire.Pong)
        assert pong.nonce == 77
        assert pong.tick >= 2


async def test_nonsense_is_told_so_and_closed(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(a.human(0), a.human(1), config=ENDLESS)
    for message in ("text", b"", b"\xff\xff", b"\x02" * 12):
        async with server.player(0) as one:
            await one.socket.send(message)
            error = await one.until(wire.Error)
            assert error.code is wire.CloseCode.PROTOCOL
            assert await one.closed() == wire.CloseCode.PROTOCOL
    assert not any("Traceback" in line for line in server.lines)


async def test_bytes_that_are_no_websocket_print_no_stack_trace(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(a.human(0), a.bot(1), config={"durationSeconds": 2})
    host, port = server.address.removeprefix("ws://").rstrip("/").split(":")

    async def send(raw: bytes) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(raw)
        with contextlib.suppress(ConnectionError):
            await reader.read()
            writer.close()
            await writer.wait_closed()

    await send(b"GET / HTTP/1.1\r\n\r\n")
    await send(b"\x16\x03\x01" + bytes(300) + b"\r\n\r\n")
    await send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    with pytest.raises(websockets.InvalidStatus):
        async with websockets.connect(server.address):
            pass
    async with server.connection() as hostile:
        await hostile.socket.send(b"\x01" * 10_000)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await hostile.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
    async with server.connection() as hostile:
        hostile.socket.protocol.send_text(b"\xff\xfe\xfd")
        hostile.socket.send_data()
        with pytest.raises(websockets.ConnectionClosed):
            await hostile.next()
    async with server.player(0) as one:
        assert await one.play(airhockey.Skill.WEAK) == wire.CloseCode.ENDED
    assert await server.left() == 0
    assert not any("Traceback" in line for line in server.lines), "".join(server.lines)


async def test_a_connection_that_says_nothing_is_closed(a: Any, start_server: Any) -> None:
    server = await start_server(join_grace_seconds=0.2)
    async with server.connection() as silent:
        assert isinstance(await silent.next(), wire.Error)
        assert await silent.closed() == wire.CloseCode.PROTOCOL


async def test_inputs_that_are_none_of_the_games_throw_the_player_out(
    a: Any, start_server: Any
) -> None:
    server = await start_server()
    await server.assign(a.human(0), a.bot(1), config=ENDLESS)
    async with server.player(0) as one:
        await one.until(wire.Full)
        await one.socket.send(one.half.inputs(b"no", b"no"))
        await one.until(wire.Full, lambda full: full.ack_seq == 2)
        await one.socket.send(one.half.inputs(b"no"))
        assert (await one.until(wire.Error)).code is wire.CloseCode.KICKED
        assert await one.closed() == wire.CloseCode.KICKED
    assert await server.metric('matchfleet_inputs_dropped_total{reason="rejected"}') == 3


async def test_a_flood_of_frames_is_cut_off(a: Any, start_server: Any) -> None:
    server = await start_server(max_frames_per_second=10)
    await server.assign(a.human(0), a.bot(1), config=ENDLESS)
    async with server.player(0) as one:
        for nonce in range(30):
            await one.socket.send(one.half.ping(nonce))
        assert await one.closed() == wire.CloseCode.RATE_LIMITED


async def test_there_is_a_limit_to_connections(a: Any, start_server: Any) -> None:
    server = await start_server(max_connections=2)
    async with server.connection(), server.connection():
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with server.connection():
                pass
        assert refused.value.response.status_code == 503


async def test_a_client_that_does_not_read_slows_nobody(a: Any, start_server: Any) -> None:
    server = await start_server(game="big", send_buffer_bytes=65_536)
    await server.assign(game="big", config={"ticks": 180})
    host, port = server.address.removeprefix("ws://").rstrip("/").split(":")
    stuck = socket.create_connection((host, int(port)))
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with (
        server.player(1, sock=stuck, max_queue=1, ping_interval=None, close_timeout=0) as silent,
        server.player(0) as reader,
    ):
        reading = asyncio.create_task(reader.closed())
        await server.metric_above('matchfleet_snapshots_total{outcome="skipped"}', 60)
        ticks = await server.metric("matchfleet_ticks_total")
        busy_s = await server.metric("matchfleet_tick_duration_seconds_sum")
        assert busy_s / ticks < 0.005
        assert await reading == wire.CloseCode.ENDED
        assert silent.seen(wire.Full) == []
    assert await server.left() == 0
    assert server.result().ticks == 180
    ticks_seen = [full.tick for full in reader.seen(wire.Full)]
    assert ticks_seen[-1] == 180
    assert len(ticks_seen) > 150, "a busy machine may make the reader slow for a moment"
