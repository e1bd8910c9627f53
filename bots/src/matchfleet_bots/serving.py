"""Serves the bots over gRPC until told to stop, with gRPC's own health service beside them."""

import asyncio
import signal
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from matchfleet_bots import service, settings
from matchfleet_contracts.botv1 import bot_pb2, bot_pb2_grpc
from matchfleet_telemetry import health as board
from matchfleet_telemetry import serving

log = structlog.get_logger()

SERVICE = bot_pb2.DESCRIPTOR.services_by_name["BotService"].full_name


async def run(knobs: settings.Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        RuntimeError, OSError: an address cannot be bound.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    ready = board.Board("bots")
    async with serving.running(
        knobs.metrics_host, knobs.metrics_port, process="bots", ready=ready.report
    ):
        server, port, checks = await _started(knobs)
        ready.well("bots")
        log.info("bots_serving", host=knobs.host, port=port)
        await stopping.wait()
        log.info("stopping")
        ready.wrong("bots", "stopping")
        await checks.enter_graceful_shutdown()
        await server.stop(knobs.stop_seconds)


async def _started(knobs: settings.Settings) -> tuple[grpc.aio.Server, int, Any]:
    """The server, its port, and its health servicer, whose asyncio half has no stubs."""
    server = grpc.aio.server(
        options=(
            ("grpc.max_receive_message_length", knobs.max_request_bytes),
            ("grpc.so_reuseport", 0),
        )
    )
    bot_pb2_grpc.add_BotServiceServicer_to_server(service.BotService(), server)
    checks = health.aio.HealthServicer()  # type: ignore[attr-defined]
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port(f"{knobs.host}:{knobs.port}")
    await server.start()
    for name in ("", SERVICE):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    return server, port, checks
