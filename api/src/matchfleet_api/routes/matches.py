"""Matches over REST."""

from typing import Annotated

import fastapi
import pydantic

from matchfleet_api import errors, problems, schemas
from matchfleet_api.routes import callers
from matchfleet_api.services import matches
from matchfleet_contracts.ids import MatchId, PlayerId


def router(service: matches.Matches, player: callers.Player) -> fastapi.APIRouter:
    """The routes under /v1/matches."""
    routes = fastapi.APIRouter(tags=["matches"])
    caller = Annotated[PlayerId, fastapi.Depends(player)]

    @routes.get(
        "/v1/matches/{match_id}",
        operation_id="getMatch",
        summary="A match, live or over",
        response_model=schemas.MatchOut,
        dependencies=[fastapi.Depends(player)],
        responses=problems.declared(errors.Unauthenticated, errors.NoSuch),
    )
    async def get_match(match_id: pydantic.UUID7) -> fastapi.Response:
        body = await service.get(MatchId(str(match_id)))
        return fastapi.Response(body, media_type="application/json")

    @routes.post(
        "/v1/matches/{match_id}/join",
        operation_id="joinMatch",
        summary="The right to one's own seat, for a minute and once",
        responses=problems.declared(
            errors.Unauthenticated,
            errors.NoSuch,
            errors.NotInMatch,
            errors.NotReady,
            errors.MatchOver,
        ),
    )
    async def join_match(who: caller, match_id: pydantic.UUID7) -> schemas.JoinOut:
        join = await service.join(MatchId(str(match_id)), player=who)
        return schemas.JoinOut(
            url=join.url, token=join.token, seat=join.seat, expires_at=join.expires_at
        )

    return routes
