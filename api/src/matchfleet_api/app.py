"""The FastAPI application, put together from its services: the only place that knows all routes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastapi
from starlette.websockets import WebSocket

from matchfleet_api import access, asgi, keyring, problems, schemas
from matchfleet_api.audit import auditor
from matchfleet_api.channel import endpoint
from matchfleet_api.matchmaking import queues
from matchfleet_api.routes import (
    admin,
    auth,
    callers,
    documents,
    health,
    matches,
    players,
    tickets,
)
from matchfleet_api.services import accounts as account_service
from matchfleet_api.services import hours as hour_service
from matchfleet_api.services import matches as match_service
from matchfleet_api.services import players as player_service
from matchfleet_api.services import tickets as ticket_service
from matchfleet_contracts import clock

DESCRIPTION = """Accounts, tickets, matches and ladders of a Matchfleet install.

A match in five calls: log in, open the channel, open a ticket, wait for `match.ready`, join.
Errors are RFC 9457 problems; `code` is stable."""

_ANYWHERE = {400: "bad_request", 413: "body_too_large", 422: "invalid", 503: "unavailable"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the routes ask."""

    accounts: account_service.Accounts
    players: player_service.Players
    tickets: ticket_service.Tickets
    matches: match_service.Matches
    hours: hour_service.Hours
    auditor: auditor.Auditor
    channel: endpoint.Channel
    readiness: health.Readiness
    issuer: access.AccessTokens
    ring: keyring.Keyring
    queues: queues.Queues
    clock: clock.Clock
    admin_token_file: Path | None
    body_limit_bytes: int = 65_536


def create(services: Services) -> fastapi.FastAPI:
    """The application."""
    app = fastapi.FastAPI(
        title="Matchfleet",
        version="1",
        description=DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={
            status: {"model": schemas.ProblemOut, "description": f"code: {code}"}
            for status, code in _ANYWHERE.items()
        },
    )
    problems.install(app)
    player = callers.player(services.issuer)
    for router in (
        auth.router(services.accounts, services.ring),
        players.router(services.players, services.matches, player),
        tickets.router(services.tickets, services.queues, player, now=services.clock),
        matches.router(services.matches, player),
        admin.router(
            services.auditor,
            services.hours,
            services.matches,
            callers.admin(services.admin_token_file),
        ),
        health.router(services.readiness),
        documents.router(),
    ):
        app.include_router(router)

    @app.websocket("/v1/channel")
    async def channel(socket: WebSocket) -> None:
        await services.channel.serve(socket)

    app.add_middleware(asgi.BodyLimit, limit=services.body_limit_bytes)
    app.add_middleware(asgi.Measured)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: fastapi.FastAPI) -> dict[str, Any]:
    """FastAPI's description, with problems under their own media type."""
    is_new = app.openapi_schema is None
    described = fastapi.FastAPI.openapi(app)
    if is_new:
        for path in described["paths"].values():
            for operation in path.values():
                for response in operation["responses"].values():
                    _as_problem(response)
    return described


def _as_problem(response: dict[str, Any]) -> None:
    content = response.get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    if schema.get("$ref", "").endswith("/ProblemOut"):
        content[problems.MEDIA_TYPE] = content.pop("application/json")
