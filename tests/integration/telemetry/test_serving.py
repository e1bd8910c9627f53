"""The three paths answer what the checks say, and nothing else is answered."""

import asyncio

import pytest

from matchfleet_telemetry import health, serving


async def ask(port: int, request: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


@pytest.fixture
def board():
    return health.Board("broker")


@pytest.fixture
async def port(board):
    async with serving.listening(
        "127.0.0.1", 0, live=health.always_well, ready=board.report
    ) as bound:
        yield bound


async def test_readyz_says_why_not_until_all_is_well(port, board):
    assert await ask(port, b"GET /readyz HTTP/1.1\r\n\r\n") == (503, b"broker: not there yet\n")
    board.well("broker")
    assert await ask(port, b"GET /readyz HTTP/1.1\r\n\r\n") == (200, b"ok\n")


async def test_livez_and_metrics_answer(port):
    assert (await ask(port, b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200
    status, body = await ask(port, b"GET /metrics?x=1 HTTP/1.1\r\n\r\n")
    assert status == 200
    assert b"matchfleet_event_loop_lag_seconds" in body


async def test_head_has_no_body(port):
    assert await ask(port, b"HEAD /livez HTTP/1.1\r\n\r\n") == (200, b"")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1", 404),
        (b"POST /metrics HTTP/1.1", 405),
        (b"rubbish", 400),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1", 431),
    ],
    ids=["unknown path", "not a GET", "not HTTP", "too large"],
)
async def test_anything_else_is_refused(port, request_line, status):
    assert (await ask(port, request_line + b"\r\n\r\n"))[0] == status


async def test_port_0_serves_nothing():
    async with serving.running("127.0.0.1", 0):
        names = {task.get_name() for task in asyncio.all_tasks()}
    assert "event-loop-lag" not in names
