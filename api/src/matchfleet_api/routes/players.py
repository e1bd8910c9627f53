"""Players and ladders over REST."""

from typing import Annotated

import fastapi
import pydantic

from matchfleet_api import errors, problems, schemas
from matchfleet_api.routes import callers
from matchfleet_api.services import matches, players
from matchfleet_contracts.ids import PlayerId

Limit = Annotated[int, fastapi.Query(ge=1, le=100)]
_JSON = "application/json"


def router(
    service: players.Players, played: matches.Matches, player: callers.Player
) -> fastapi.APIRouter:
    """The routes under /v1/players and /v1/leaderboards."""
    routes = fastapi.APIRouter(tags=["players"])
    caller = Annotated[PlayerId, fastapi.Depends(player)]
    signed_in = fastapi.Depends(player)

    @routes.get(
        "/v1/players/me",
        operation_id="getMe",
        summary="One's own account and ratings",
        response_model=schemas.PlayerOut,
        responses=problems.declared(errors.Unauthenticated, errors.NoSuch),
    )
    async def me(who: caller) -> fastapi.Response:
        return fastapi.Response(await service.get(who), media_type=_JSON)

    @routes.get(
        "/v1/players/me/match",
        operation_id="getMyMatch",
        summary="The match one sits in, for a client that lost everything",
        responses=problems.declared(errors.Unauthenticated, errors.NoLiveMatch),
    )
    async def my_match(who: caller) -> schemas.LiveMatchOut:
        return schemas.LiveMatchOut(match=await played.live_of(who))

    @routes.get(
        "/v1/players/{player_id}",
        operation_id="getPlayer",
        summary="A player and its ratings",
        response_model=schemas.PlayerOut,
        dependencies=[signed_in],
        responses=problems.declared(errors.Unauthenticated, errors.NoSuch),
    )
    async def one(player_id: pydantic.UUID7) -> fastapi.Response:
        return fastapi.Response(await service.get(PlayerId(str(player_id))), media_type=_JSON)

    @routes.get(
        "/v1/players/{player_id}/matches",
        operation_id="getPlayerMatches",
        summary="A player's matches, newest first",
        dependencies=[signed_in],
        responses=problems.declared(errors.Unauthenticated),
    )
    async def history(player_id: pydantic.UUID7, limit: Limit = 20) -> schemas.MatchesOut:
        found = await played.of_player(PlayerId(str(player_id)), limit=limit)
        return schemas.MatchesOut(matches=found)

    @routes.get(
        "/v1/leaderboards/{game}/{mode}",
        operation_id="getLeaderboard",
        summary="The first places of a ladder",
    )
    async def ladder(
        game: schemas.Slug, mode: schemas.Slug, limit: Limit = 50
    ) -> schemas.LadderOut:
        return await service.ladder(game, mode, limit=limit)

    return routes
