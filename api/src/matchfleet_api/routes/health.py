"""/livez and /readyz: whether to restart this process, and whether to send it requests.

Only PostgreSQL decides about requests: without Redis, RabbitMQ or Kubernetes most of them are
answered well, and taking every replica away would answer none. What else is wrong is in the body.
"""

import asyncio
import time
from collections.abc import Callable

import fastapi

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import pool
from matchfleet_telemetry import health

_DEADLINE_S = 1.0
_REMEMBERED_S = 1.0


class Readiness:
    """Asks PostgreSQL, once a second at most."""

    def __init__(
        self,
        database: pool.Database,
        board: health.Board,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._board = board
        self._monotonic_s = monotonic_s
        self._asked_at: float | None = None
        self._answer: str | None = None
        self.is_stopping = False

    async def report(self) -> tuple[bool, str]:
        """Whether to send requests here, and what is wrong."""
        now = self._monotonic_s()
        if self._asked_at is None or now - self._asked_at >= _REMEMBERED_S:
            self._asked_at = now
            self._answer = await self._ask()
        if self.is_stopping:
            return False, "stopping\n"
        lines = [line for line in (self._answer, self._board.report()) if line is not None]
        return self._answer is None, "\n".join(lines or ["ok"]) + "\n"

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(_DEADLINE_S), self._database.connection() as connection:
                await connection.fetchval("SELECT 1")
        except (errors.Unavailable, TimeoutError) as error:
            return str(error) or "PostgreSQL does not answer in time"
        return None


def router(readiness: Readiness) -> fastapi.APIRouter:
    """The probes."""
    routes = fastapi.APIRouter(include_in_schema=False)

    @routes.get("/livez")
    async def livez() -> fastapi.Response:
        return fastapi.Response("ok\n", media_type="text/plain")

    @routes.get("/readyz")
    async def readyz() -> fastapi.Response:
        is_ready, text = await readiness.report()
        return fastapi.Response(text, status_code=200 if is_ready else 503, media_type="text/plain")

    return routes
