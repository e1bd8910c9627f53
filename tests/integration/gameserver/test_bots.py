"""Bots over gRPC: asked ahead, played in time, and never waited for."""

import asyncio
import signal
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from matchfleet_contracts.botv1 import bot_pb2, bot_pb2_grpc
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.results import Outcome

DECISIONS = 'matchfleet_bot_decisions_total{outcome="%s"}'


async def _address(bots: Any) -> str:
    serving = await bots.logged("bots_serving")
    return f"127.0.0.1:{serving['port']}"


async def test_the_service_plays_the_bots_of_a_match(a: Any, start_server: Any, bots: Any) -> None:
    server = await start_server(bots_address=await _address(bots))
    await server.assign(a.bot(0, "strong"), a.bot(1, "weak"), config={"durationSeconds": 3})
    await server.metric_above(DECISIONS % "answered", 10)
    assert await server.left() == 0
    result = server.result()
    assert (result.outcome, result.ticks) == (Outcome.COMPLETED, 180)


async def test_a_service_that_freezes_is_played_around(
    a: Any, start_server: Any, bots: Any
) -> None:
    server = await start_server(bots_address=await _address(bots))
    await server.assign(a.bot(0, "strong"), a.bot(1, "weak"), config={"durationSeconds": 4})
    await server.metric_above(DECISIONS % "answered", 2)
    bots.signal(signal.SIGSTOP)
    missed = await server.metric(DECISIONS % "missed")
    await server.metric_above(DECISIONS % "missed", missed)
    assert await server.left() == 0
    result = server.result()
    assert (result.outcome, result.ticks) == (Outcome.COMPLETED, 240)


async def test_a_service_that_is_not_there_is_played_around(a: Any, start_server: Any) -> None:
    server = await start_server(bots_address="127.0.0.1:1")
    await server.assign(a.bot(0, "strong"), a.bot(1, "weak"), config={"durationSeconds": 1})
    assert await server.left() == 0
    assert server.result().ticks == 60


async def test_the_service_answers_over_grpc_and_says_what_is_wrong(bots: Any) -> None:
    async with grpc.aio.insecure_channel(await _address(bots)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        checked = await health.Check(
            health_pb2.HealthCheckRequest(service="matchfleet.bot.v1.BotService"), timeout=5
        )
        assert checked.status == health_pb2.HealthCheckResponse.SERVING
        stub = bot_pb2_grpc.BotServiceStub(channel)
        seen = bot_pb2.Observation(seat=1, values=[0.0] * len(airhockey.FIELDS))
        request = bot_pb2.ActRequest(game="airhockey", observations=[seen])
        answer = await stub.Act(request, timeout=5)
        assert [action.seat for action in answer.actions] == [1]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Act(bot_pb2.ActRequest(game="chess"), timeout=5)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert refused.value.details() == "no bot here plays 'chess'; it plays airhockey"


async def test_the_service_stops_when_it_is_told_to(bots: Any) -> None:
    bots.signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        assert await bots.left() == 0
    assert not any("Traceback" in line for line in bots.lines)
