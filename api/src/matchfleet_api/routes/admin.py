"""What an administrator asks over REST, with the admin token."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import fastapi
import pydantic

from matchfleet_api import errors, problems, schemas
from matchfleet_api.audit import auditor
from matchfleet_api.services import hours, matches
from matchfleet_contracts.ids import MatchId


def router(
    audits: auditor.Auditor,
    counted: hours.Hours,
    played: matches.Matches,
    admin: Callable[..., Awaitable[None]],
) -> fastapi.APIRouter:
    """The routes under /v1/admin."""
    routes = fastapi.APIRouter(
        tags=["admin"],
        dependencies=[fastapi.Depends(admin)],
        responses=problems.declared(errors.AdminOnly),
    )

    @routes.get(
        "/v1/admin/audit",
        operation_id="audit",
        summary="Look at what must always be true",
    )
    async def audit() -> schemas.AuditOut:
        findings = await audits.run()
        return schemas.AuditOut(
            ok=all(f.ok for f in findings),
            checks=[
                schemas.CheckOut(
                    invariant=f.invariant,
                    title=f.title,
                    ok=f.ok,
                    violations=list(f.violations),
                    detail=f.detail,
                )
                for f in findings
            ],
        )

    @routes.get(
        "/v1/admin/analytics",
        operation_id="getAnalytics",
        summary="Matches and players by hour, mode and region",
    )
    async def analytics(
        count: Annotated[int, fastapi.Query(alias="hours", ge=1, le=24 * 31)] = 24,
    ) -> schemas.AnalyticsOut:
        return schemas.AnalyticsOut(rows=await counted.latest(count))

    @routes.post(
        "/v1/admin/matches/{match_id}/cancel",
        operation_id="cancelMatch",
        summary="Ask for the end of a match",
        status_code=202,
        responses=problems.declared(errors.NoSuch, errors.NotReady, errors.MatchOver),
    )
    async def cancel(match_id: pydantic.UUID7) -> schemas.CancelOut:
        await played.cancel(MatchId(str(match_id)))
        return schemas.CancelOut(match_id=str(match_id), desired="Cancel")

    return routes
