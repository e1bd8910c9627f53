"""One connection to the broker at a time, for as long as its user lives.

`hold` runs a session on a connection, and starts over with a new connection whenever the session or
the connection ends, slower and slower up to a bound. A session therefore needs no repair: it
declares, works, and raises when anything about it is odd.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection

from matchfleet_adapters import errors
from matchfleet_adapters.rabbitmq import metrics
from matchfleet_telemetry import health

log = structlog.get_logger(__name__)

Session = Callable[[AbstractConnection], Awaitable[None]]
T = TypeVar("T")
STORE: Final = "RabbitMQ"
_STEADY_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """How long anything may take, and how soon it is tried again.

    Attributes:
        heartbeat_s: a peer that is silent for about three of these is gone.
        publish_timeout_s: from `publish` to the confirm, waiting for a connection included.
        handler_timeout_s: one try of a message's handler.
        watch_period_s: between two looks at whether a consumer still gets its messages.
        unexpected_tries: how often a message is tried whose handler fails as nobody foresaw.
    """

    connect_timeout_s: float = 5.0
    heartbeat_s: int = 5
    reconnect_first_s: float = 0.1
    reconnect_most_s: float = 2.0
    publish_timeout_s: float = 5.0
    handler_timeout_s: float = 30.0
    retry_first_s: float = 0.1
    retry_most_s: float = 5.0
    watch_period_s: float = 10.0
    unexpected_tries: int = 5


async def connect(
    url: str, *, name: str = "matchfleet", settings: BrokerSettings | None = None
) -> AbstractConnection:
    """A plain connection, shown under `name` in the broker's own tools.

    Raises:
        errors.Unavailable: the broker does not answer, or not to these credentials.
    """
    settings = settings or BrokerSettings()
    try:
        return await aio_pika.connect(
            url,
            timeout=settings.connect_timeout_s,
            heartbeat=settings.heartbeat_s,
            client_properties={"connection_name": name},
        )
    except (aio_pika.exceptions.AMQPError, OSError, TimeoutError) as error:
        raise errors.Unavailable(store=STORE, detail=sentence(error)) from error


@contextlib.asynccontextmanager
async def opened(
    url: str, *, name: str, settings: BrokerSettings | None = None
) -> AsyncIterator[AbstractConnection]:
    """A connection for the length of the block.

    Raises:
        errors.Unavailable: the broker does not answer.
    """
    settings = settings or BrokerSettings()
    connection = await connect(url, name=name, settings=settings)
    try:
        yield connection
    finally:
        # A broker that hangs must not keep us from letting go of it.
        with contextlib.suppress(aio_pika.exceptions.AMQPError, OSError, RuntimeError):
            async with asyncio.timeout(settings.connect_timeout_s):
                await connection.close()


async def hold(
    url: str,
    session: Session,
    *,
    user: str,
    settings: BrokerSettings,
    board: health.Board | None = None,
) -> None:
    """Runs `session` on one connection after the other until it returns or this is cancelled.

    Args:
        user: who this is, in logs, metrics, and on `board` while there is no connection.
    """
    waits = Backoff(first_s=settings.reconnect_first_s, most_s=settings.reconnect_most_s)
    while True:
        try:
            async with opened(url, name=user, settings=settings) as connection:
                await _until_either_ends(connection, session, waits)
                return
        except Exception as error:  # noqa: BLE001  the top of a supervised task: log, count, again
            metrics.SESSIONS_LOST.labels(user=user).inc()
            metrics.CONNECTED.labels(user=user).set(0)
            if board is not None:
                board.wrong(user, sentence(error))
            wait_s = waits.next_s()
            log.warning(
                "broker_session_lost", user=user, error=sentence(error), again_in_s=round(wait_s, 2)
            )
        await asyncio.sleep(wait_s)


def established(user: str, board: health.Board | None) -> None:
    """Says that a session has all that it needs."""
    metrics.CONNECTED.labels(user=user).set(1)
    if board is not None:
        board.well(user)
    log.info("broker_session_established", user=user)


@contextlib.asynccontextmanager
async def in_background(work: Awaitable[None], *, name: str) -> AsyncIterator["asyncio.Task[None]"]:
    """A task that is cancelled, and waited for, when the block ends."""

    async def run() -> None:
        await work

    task = asyncio.create_task(run(), name=name)
    try:
        yield task
    finally:
        task.cancel()
        # What it raised is read by whoever uses the task; here it only has to be over.
        await asyncio.wait({task})


async def unless_it_dies(work: Awaitable[T]) -> T:
    """What `work` returns.

    aiormq cancels whatever waits on a connection that dies. A cancellation that nobody asked of
    this task would end it without a word, so it becomes an error here.

    Raises:
        errors.Unavailable: the connection died while `work` waited on it.
    """
    try:
        return await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise errors.Unavailable(store=STORE, detail="the connection died") from error


class Backoff:
    """Waits that double up to a bound, spread so that many do not come back at one moment."""

    def __init__(self, *, first_s: float, most_s: float) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._wait_s = first_s

    def next_s(self) -> float:
        """The next wait, in seconds."""
        wait_s = self._wait_s
        self._wait_s = min(self._most_s, wait_s * 2)
        return wait_s * random.uniform(0.7, 1.0)

    def reset(self) -> None:
        """Starts again from the first wait."""
        self._wait_s = self._first_s


def sentence(error: BaseException) -> str:
    """What an error says, or its kind when it says nothing. Never an URL with a password."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = str(error) or repr(error)
    return text if isinstance(error, errors.AdapterError) else f"{type(error).__name__}: {text}"


async def _until_either_ends(
    connection: AbstractConnection, session: Session, waits: Backoff
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    closed = asyncio.ensure_future(connection.closed())
    async with in_background(unless_it_dies(session(connection)), name="session") as running:
        try:
            await asyncio.wait({running, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closed.cancel()
        if loop.time() - began > _STEADY_S:
            waits.reset()
        if not running.done():
            raise errors.Unavailable(store=STORE, detail="the connection was closed")
        running.result()
