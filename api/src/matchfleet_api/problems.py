"""How an error is told over HTTP: one table from what was refused to RFC 9457's problem+json.

What the sender did wrong is said; what went wrong with us is logged and not said.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import fastapi
import msgspec
import structlog
from fastapi import exceptions as fastapi_exceptions
from starlette import exceptions as starlette_exceptions

from matchfleet_adapters import errors as adapter_errors
from matchfleet_api import errors, schemas

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[type[errors.Refusal], HTTPStatus] = {
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.WrongCredentials: HTTPStatus.UNAUTHORIZED,
    errors.RefreshRefused: HTTPStatus.UNAUTHORIZED,
    errors.AdminOnly: HTTPStatus.UNAUTHORIZED,
    errors.NameTaken: HTTPStatus.CONFLICT,
    errors.NoSuch: HTTPStatus.NOT_FOUND,
    errors.NoLiveMatch: HTTPStatus.NOT_FOUND,
    errors.TicketOpen: HTTPStatus.CONFLICT,
    errors.AlreadyPlaying: HTTPStatus.CONFLICT,
    errors.TooLate: HTTPStatus.CONFLICT,
    errors.NotReady: HTTPStatus.CONFLICT,
    errors.NotInMatch: HTTPStatus.FORBIDDEN,
    errors.MatchOver: HTTPStatus.GONE,
    errors.Throttled: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


def body(
    status: HTTPStatus, detail: str, code: str, *, places: Sequence[Mapping[str, str]] = ()
) -> bytes:
    """The JSON of a problem."""
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        "code": code,
    }
    if places:
        problem["errors"] = list(places)
    return msgspec.json.encode(problem)


def response(
    status: HTTPStatus,
    detail: str,
    code: str,
    *,
    places: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> fastapi.Response:
    """The answer that tells a problem."""
    return fastapi.Response(
        body(status, detail, code, places=places),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def of_refusal(refusal: errors.Refusal) -> fastapi.Response:
    """The answer to a refusal."""
    status = STATUS[type(refusal)]
    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers |= _CHALLENGE
    if isinstance(refusal, errors.Throttled):
        headers["Retry-After"] = str(refusal.retry_after_s)
    if isinstance(refusal, errors.Overloaded):
        headers["Retry-After"] = "1"
    return response(status, str(refusal), refusal.code, headers=headers)


def declared(*kinds: type[errors.Refusal]) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of the refusals of a route."""
    by_status: dict[int | str, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(int(STATUS[kind]), []).append(kind.code)
    return {
        status: {"model": schemas.ProblemOut, "description": "code: " + ", ".join(codes)}
        for status, codes in by_status.items()
    }


def install(app: fastapi.FastAPI) -> None:
    """Answer every error of an application as a problem."""
    app.exception_handler(errors.Refusal)(_refusal)
    app.exception_handler(adapter_errors.AdapterError)(_adapter)
    app.exception_handler(fastapi_exceptions.RequestValidationError)(_invalid)
    app.exception_handler(starlette_exceptions.HTTPException)(_http)
    app.exception_handler(Exception)(_broken)


async def _refusal(_: fastapi.Request, error: errors.Refusal) -> fastapi.Response:
    return of_refusal(error)


async def _adapter(_: fastapi.Request, error: adapter_errors.AdapterError) -> fastapi.Response:
    log.warning("store_unavailable", error=str(error))
    return response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "a part of the service does not answer: try again in a moment",
        "unavailable",
        headers={"Retry-After": "1"},
    )


async def _invalid(
    _: fastapi.Request, error: fastapi_exceptions.RequestValidationError
) -> fastapi.Response:
    # What was sent is not repeated: it may be a password, or no text at all.
    places = [
        {"pointer": "/" + "/".join(str(p) for p in e["loc"]), "detail": str(e["msg"])}
        for e in error.errors()
    ]
    return response(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "the request is not as it is described: see errors",
        "invalid",
        places=places,
    )


async def _http(
    request: fastapi.Request, error: starlette_exceptions.HTTPException
) -> fastapi.Response:
    status = HTTPStatus(error.status_code)
    code = status.name.lower()
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
    return response(status, str(error.detail), code, headers=headers)


def _allowed(request: fastapi.Request) -> str:
    """Every method of a path; the framework tells those of the first route it tried only."""
    path = getattr(request.scope.get("route"), "path", "")
    return ", ".join(sorted(m.upper() for m in request.app.openapi()["paths"].get(path, ())))


async def _broken(_: fastapi.Request, error: Exception) -> fastapi.Response:
    log.error("request_broke", error=repr(error))
    return response(
        HTTPStatus.INTERNAL_SERVER_ERROR, "something is wrong with us, not with you", "internal"
    )
