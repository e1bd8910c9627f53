"""Tickets, queues and regions over REST."""

import datetime
from typing import Annotated

import fastapi
import pydantic

from matchfleet_adapters.postgres import tickets as rows
from matchfleet_api import errors, problems, schemas
from matchfleet_api.matchmaking import queues
from matchfleet_api.routes import callers
from matchfleet_api.services import tickets
from matchfleet_contracts import clock
from matchfleet_contracts.ids import PlayerId, TicketId


def router(
    service: tickets.Tickets,
    found: queues.Queues,
    player: callers.Player,
    *,
    now: clock.Clock,
) -> fastapi.APIRouter:
    """The routes under /v1/tickets, /v1/queues and /v1/regions."""
    routes = fastapi.APIRouter(tags=["matchmaking"])
    caller = Annotated[PlayerId, fastapi.Depends(player)]

    @routes.post(
        "/v1/tickets",
        operation_id="openTicket",
        summary="Join a queue",
        status_code=201,
        responses=problems.declared(
            errors.Unauthenticated, errors.NoSuch, errors.TicketOpen, errors.AlreadyPlaying
        ),
    )
    async def open_ticket(who: caller, body: schemas.TicketIn) -> schemas.TicketOut:
        made = await service.open(who, game=body.game, mode=body.mode, rtt_ms=body.rtt_ms)
        return _out(made, now.now())

    @routes.get(
        "/v1/tickets/{ticket_id}",
        operation_id="getTicket",
        summary="One's own ticket",
        responses=problems.declared(errors.Unauthenticated, errors.NoSuch),
    )
    async def get_ticket(who: caller, ticket_id: pydantic.UUID7) -> schemas.TicketOut:
        return _out(await service.get(TicketId(str(ticket_id)), player=who), now.now())

    @routes.delete(
        "/v1/tickets/{ticket_id}",
        operation_id="cancelTicket",
        summary="Leave the queue",
        responses=problems.declared(errors.Unauthenticated, errors.NoSuch, errors.TooLate),
    )
    async def cancel_ticket(who: caller, ticket_id: pydantic.UUID7) -> schemas.TicketOut:
        return _out(await service.cancel(TicketId(str(ticket_id)), player=who), now.now())

    @routes.get("/v1/queues", operation_id="getQueues", summary="All queues")
    async def get_queues() -> schemas.QueuesOut:
        return schemas.QueuesOut(queues=[_queue(q) for q in found.values()])

    @routes.get("/v1/regions", operation_id="getRegions", summary="All regions")
    async def get_regions() -> schemas.RegionsOut:
        regions = dict.fromkeys(r for q in found.values() for r in q.regions)
        return schemas.RegionsOut(
            regions=[
                schemas.RegionOut(
                    region=r, queues=[q.key for q in found.values() if r in q.regions]
                )
                for r in regions
            ]
        )

    return routes


def _out(ticket: rows.Ticket, now: datetime.datetime) -> schemas.TicketOut:
    is_waiting = ticket.state is rows.TicketState.QUEUED
    until = now if is_waiting else ticket.changed_at
    return schemas.TicketOut(
        id=ticket.id,
        state=ticket.state.value,
        game=ticket.game,
        mode=ticket.mode,
        queued_at=ticket.queued_at,
        expires_at=ticket.expires_at,
        match_id=ticket.match_id,
        waited_s=round(max(0.0, (until - ticket.queued_at).total_seconds()), 3),
    )


def _queue(queue: queues.Queue) -> schemas.QueueOut:
    return schemas.QueueOut(
        game=queue.game,
        mode=queue.mode,
        teams=queue.teams,
        team_size=queue.team_size,
        ranked=queue.ranked,
        regions=list(queue.regions),
        rtt_cap_ms=queue.rtt_cap_ms,
        bot_after_s=queue.bot_after_s,
        ticket_ttl_s=queue.ticket_ttl_s,
    )
