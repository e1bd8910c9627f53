"""Connections to PostgreSQL and the one way to run a transaction.

Guarantees are unique indexes and guarded updates, so transactions run at READ COMMITTED and are
short. A transaction that PostgreSQL gave up on (a deadlock, a restart, a broken connection) is run
again as a whole: its body must hold all of its effects, and must bear to have been committed
already when the answer to COMMIT was lost.

No session state (SET, LISTEN, advisory session locks) may be used on pooled connections: the reset
query between two users is left out because it costs as much as a small query. Whoever needs such
state opens a connection of its own with `connect`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import asyncpg
import msgspec
import stamina
from asyncpg.pool import PoolConnectionProxy

from matchfleet_adapters import errors

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""What every typed function of this package takes first."""

_STORE = "PostgreSQL"
_JSONB_VERSION = b"\x01"
_RETRIED_CLASSES = frozenset({"08", "40", "53", "57"})
# A lock that was not had in time, and a write that reached a standby during a failover.
_RETRIED_STATES = frozenset({"55P03", "25006"})
_STATEMENT_TIMEOUT = "57014"


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How many connections, and how long anything may take."""

    min_size: int = 1
    max_size: int = 10
    acquire_timeout_s: float = 5.0
    connect_timeout_s: float = 5.0
    statement_timeout_ms: int = 5_000
    lock_timeout_ms: int = 3_000
    idle_in_transaction_timeout_ms: int = 10_000
    transaction_attempts: int = 5
    transaction_timeout_s: float = 10.0
    """No further attempt is begun after this."""
    application: str = "matchfleet"


class Database:
    """A pool, and transactions on it."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", settings: PoolSettings) -> None:
        self._pool = pool
        self._settings = settings

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for reads, each statement a transaction of its own.

        Raises:
            errors.Unavailable: PostgreSQL does not answer.
        """
        try:
            async with self._pool.acquire(timeout=self._settings.acquire_timeout_s) as connection:
                yield connection
        except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
            raise errors.Unavailable(store=_STORE, detail=_sentence(error)) from error
        except asyncpg.PostgresError as error:
            if is_passing(error) or error.sqlstate == _STATEMENT_TIMEOUT:
                raise errors.Unavailable(store=_STORE, detail=_sentence(error)) from error
            raise

    async def transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """What `work` returns, committed; run again as a whole when PostgreSQL gave up on it.

        Raises:
            errors.Unavailable: it did not work out in `transaction_attempts`, or in time.
        """
        async for attempt in stamina.retry_context(
            on=errors.Unavailable,
            attempts=self._settings.transaction_attempts,
            timeout=self._settings.transaction_timeout_s,
            wait_initial=0.02,
            wait_max=1.0,
            wait_jitter=0.1,
        ):
            with attempt:
                async with self.connection() as connection, connection.transaction():
                    return await work(connection)
        raise AssertionError("a retry either returns or raises")

    async def close(self) -> None:
        """Close when the last user is done, or at once after `acquire_timeout_s`."""
        try:
            await asyncio.wait_for(self._pool.close(), self._settings.acquire_timeout_s)
        except TimeoutError:
            self._pool.terminate()


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is run again.

    A statement timeout is class 57 too, but ours: repeating a slow query makes it slower.
    """
    if isinstance(error, asyncpg.PostgresError):
        state: str = error.sqlstate or ""
        if state == _STATEMENT_TIMEOUT:
            return False
        return state[:2] in _RETRIED_CLASSES or state in _RETRIED_STATES
    return isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError, errors.Unavailable))


async def open_database(dsn: str, settings: PoolSettings | None = None) -> Database:
    """A pool on `dsn`.

    Raises:
        errors.Unavailable: PostgreSQL does not answer.
    """
    settings = settings or PoolSettings()
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=settings.min_size,
            max_size=settings.max_size,
            timeout=settings.connect_timeout_s,
            init=prepare,
            reset=_no_reset,
            server_settings=_server_settings(settings),
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise errors.Unavailable(store=_STORE, detail=_sentence(error)) from error
    return Database(pool, settings)


async def wait_for_database(
    dsn: str, settings: PoolSettings | None = None, *, timeout_s: float
) -> Database:
    """A pool on `dsn`, waiting up to `timeout_s` for PostgreSQL to answer.

    Raises:
        errors.Unavailable: it did not answer in time.
    """
    async for attempt in _patiently(timeout_s):
        with attempt:
            return await open_database(dsn, settings)
    raise AssertionError("a retry either returns or raises")


async def connect(
    dsn: str, settings: PoolSettings | None = None, *, timeout_s: float = 0.0
) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection outside of any pool, for session locks; waits up to `timeout_s`.

    Raises:
        errors.Unavailable: PostgreSQL does not answer.
    """
    settings = settings or PoolSettings()
    async for attempt in _patiently(timeout_s):
        with attempt:
            try:
                connection = await asyncpg.connect(
                    dsn,
                    timeout=settings.connect_timeout_s,
                    server_settings=_server_settings(settings),
                )
                await prepare(connection)
            except (OSError, TimeoutError, asyncpg.PostgresError) as error:
                raise errors.Unavailable(store=_STORE, detail=_sentence(error)) from error
            return connection
    raise AssertionError("a retry either returns or raises")


async def prepare(connection: Any) -> None:
    """Teach a connection our types: jsonb as plain values, uuid as canonical text."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: _JSONB_VERSION + msgspec.json.encode(value),
        decoder=lambda raw: msgspec.json.decode(raw[1:]),
    )
    await connection.set_type_codec(
        "uuid", schema="pg_catalog", format="text", encoder=str, decoder=str
    )


def _patiently(timeout_s: float) -> Any:
    if timeout_s <= 0:
        return stamina.retry_context(on=errors.Unavailable, attempts=1)
    return stamina.retry_context(
        on=errors.Unavailable, attempts=None, timeout=timeout_s, wait_initial=0.1, wait_max=2.0
    )


def _server_settings(settings: PoolSettings) -> dict[str, str]:
    return {
        "application_name": settings.application,
        "statement_timeout": str(settings.statement_timeout_ms),
        "lock_timeout": str(settings.lock_timeout_ms),
        "idle_in_transaction_session_timeout": str(settings.idle_in_transaction_timeout_ms),
    }


async def _no_reset(connection: Any) -> None:
    """Take the place of asyncpg's reset query; the module says why."""


def _sentence(error: BaseException) -> str:
    return str(error) or type(error).__name__
