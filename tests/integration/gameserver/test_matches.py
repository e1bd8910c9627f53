"""Whole matches of real processes: played to their end, and ended before it."""

import asyncio
import signal
from typing import Any

from matchfleet_contracts import results, wire
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Outcome


async def test_two_players_play_a_match_to_its_end(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(config={"durationSeconds": 2})
    async with server.player(0) as one, server.player(1) as two:
        codes = await asyncio.gather(
            one.play(airhockey.Skill.STRONG), two.play(airhockey.Skill.WEAK)
        )
    assert await server.left() == 0
    assert set(codes) == {wire.CloseCode.ENDED}
    result = server.result()
    assert (result.outcome, result.ticks, result.tick_hz) == (Outcome.COMPLETED, 120, 60)
    assert [(s.seat, s.bot) for s in result.standings] == [(0, False), (1, False)]
    assert result.achieved_hz <= 60.0
    for player in (one, two):
        (end,) = player.seen(wire.End)
        assert end.is_provisional
        assert results.encode(result)[len(b'{"result":') :].startswith(end.result)
        fulls = player.seen(wire.Full)
        assert fulls[-1].tick == 120
        assert fulls[-1].ack_seq > 0
        assert player.seen(wire.Event)[0].seq == 1
        assert player.seen(wire.Event)[0].data == {"type": "started"}
    names = {seat.name for seat in one.seen(wire.Presence)[-1].seats}
    assert names == {"Name player-0", "Name player-1"}


async def test_bots_alone_play_at_once(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(a.bot(0, "strong"), a.bot(1), config={"durationSeconds": 1})
    assert await server.left() == 0
    result = server.result()
    assert (result.outcome, result.ticks) == (Outcome.COMPLETED, 60)
    assert [s.bot for s in result.standings] == [True, True]


async def test_a_lone_player_plays_against_the_rules_when_time_to_join_is_up(
    a: Any, start_server: Any
) -> None:
    server = await start_server()
    await server.assign(join_s=1, config={"durationSeconds": 1})
    async with server.player(0) as one:
        assert await one.play(airhockey.Skill.MEDIUM) == wire.CloseCode.ENDED
    assert await server.left() == 0
    assert [(s.seat, s.bot) for s in server.result().standings] == [(0, False), (1, True)]


async def test_a_ranked_match_without_all_its_players_is_void(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(join_s=1, ranked=True)
    async with server.player(0) as one:
        assert await one.closed() == wire.CloseCode.ENDED
    assert await server.left() == 0
    result = server.result()
    assert (result.outcome, result.reason, result.ticks) == (Outcome.VOID, Reason.JOIN_TIMEOUT, 0)


async def test_a_match_that_plays_too_long_is_void(a: Any, start_server: Any) -> None:
    server = await start_server()
    await server.assign(a.bot(0), a.bot(1), max_s=1, config={"durationSeconds": 60})
    assert await server.left() == 0
    assert server.result().reason is Reason.TIMED_OUT


async def test_an_idle_server_that_is_told_to_stop_leaves_at_once(start_server: Any) -> None:
    server = await start_server(drain_seconds=60)
    server.signal(signal.SIGTERM)
    assert await server.left() == 0
    assert not server.path.exists()


async def test_a_playing_server_that_is_told_to_stop_plays_on_and_then_drains(
    a: Any, start_server: Any
) -> None:
    server = await start_server(drain_seconds=1)
    await server.assign(a.human(0), a.bot(1), config={"durationSeconds": 60})
    async with server.player(0) as one:
        await one.until(wire.Full)
        server.signal(signal.SIGTERM)
        drain = await one.until(wire.Drain)
        assert drain.seconds <= 1
        status, _ = await server.get("/readyz")
        assert status == 200, "players may still come back"
        await one.until(wire.Full)
        assert await one.closed() == wire.CloseCode.DRAINED
    assert await server.left() == 0
    result = server.result()
    assert (result.outcome, result.reason) == (Outcome.VOID, Reason.DRAINED)
    assert result.ticks >= 30


async def test_a_match_that_ends_while_it_drains_counts(a: Any, start_server: Any) -> None:
    server = await start_server(drain_seconds=20)
    await server.assign(a.bot(0), a.bot(1), config={"durationSeconds": 1})
    server.signal(signal.SIGTERM)
    assert await server.left() == 0
    assert server.result().outcome is Outcome.COMPLETED


async def test_a_game_that_raises_ends_void_and_every_player_is_told(
    a: Any, start_server: Any
) -> None:
    server = await start_server(game="raising")
    await server.assign(game="raising", config={})
    async with server.player(0) as one, server.player(1) as two:
        codes = await asyncio.gather(one.closed(), two.closed())
    assert await server.left() == 0
    assert set(codes) == {wire.CloseCode.INTERNAL}
    assert b"GameFailed" in one.seen(wire.End)[0].result
    assert b"GameFailed" in two.seen(wire.End)[0].result
    result = server.result()
    assert (result.reason, result.ticks) == (Reason.GAME_FAILED, 9)
    assert result.message == "ZeroDivisionError: a goal of no width"


async def test_a_game_that_hangs_is_ended_by_the_watchdog(a: Any, start_server: Any) -> None:
    server = await start_server(game="hanging", stall_seconds=0.5)
    await server.assign(a.bot(0), game="hanging", config={})
    assert await server.left() == 0
    result = server.result()
    assert (result.outcome, result.reason, result.ticks) == (Outcome.VOID, Reason.TICK_STALLED, 10)
    assert "did not return from a tick" in result.message


async def test_a_result_that_cannot_be_written_is_a_failure_of_the_process(
    a: Any, start_server: Any
) -> None:
    server = await start_server(termination_log="/proc/no/such/place")
    await server.assign(a.bot(0), a.bot(1), config={"durationSeconds": 1})
    assert await server.left() == 1
