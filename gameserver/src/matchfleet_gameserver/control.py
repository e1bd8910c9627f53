"""The operator's door to a game server: its assignment, its health and its metrics.

All of it is answered by the loop that ticks, so that a loop that hangs answers nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import prometheus_client
import structlog
from aiohttp import web

from matchfleet_contracts import tokens
from matchfleet_gameserver import errors, lifecycle, metrics, settings

log = structlog.get_logger()


class Control:
    """The HTTP handlers of one server."""

    def __init__(self, server: lifecycle.Server, knobs: settings.Settings) -> None:
        self._server = server
        self._pod_uid = knobs.pod_uid

    def app(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=tokens.MAX_TOKEN_BYTES)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_post("/v1/assignment", self._assignment)
        return app

    async def _livez(self, _: web.Request) -> web.Response:
        return _health("the loop does not tick" if not self._server.is_live else "")

    async def _readyz(self, _: web.Request) -> web.Response:
        return _health("not ready for players" if not self._server.is_ready else "")

    async def _metrics(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": prometheus_client.CONTENT_TYPE_LATEST}
        return web.Response(body=prometheus_client.generate_latest(), headers=headers)

    async def _assignment(self, request: web.Request) -> web.Response:
        """Take an assignment; the body is its token."""
        body = await request.read()
        status, answer = self._assigned(body.decode("ascii", errors="replace").strip())
        metrics.ASSIGNMENTS.labels(outcome=str(status)).inc()
        return web.json_response(answer, status=status)

    def _assigned(self, token: str) -> tuple[int, dict[str, str]]:
        try:
            match_uid = self._server.assign(token)
        except errors.TokenRefused as error:
            log.warning("assignment_token_refused", why=str(error))
            return 401, {"detail": "the token is not an assignment for this pod"}
        except errors.AlreadyAssigned as error:
            return 409, {"match_uid": error.match_uid}
        except errors.AssignmentRefused as error:
            log.warning("assignment_refused", why=str(error))
            return 422, {"detail": str(error)}
        return 200, {"match_uid": match_uid, "pod_uid": self._pod_uid}


@asynccontextmanager
async def listening(control: Control, knobs: settings.Settings) -> AsyncIterator[int]:
    """Listen while the block runs; gives the port.

    Raises:
        OSError: the address cannot be bound.
    """
    runner = web.AppRunner(control.app(), access_log=None, shutdown_timeout=knobs.close_seconds)
    await runner.setup()
    try:
        site = web.TCPSite(runner, knobs.pod_ip, knobs.control_port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _health(wrong: str) -> web.Response:
    return web.Response(text=(wrong or "ok") + "\n", status=503 if wrong else 200)
