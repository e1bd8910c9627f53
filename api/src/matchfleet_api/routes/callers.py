"""Who sends a request: a player by an access token, or an administrator by the admin token."""

import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import fastapi
from fastapi import security

from matchfleet_api import access, errors
from matchfleet_contracts.ids import PlayerId

Player = Callable[..., Awaitable[PlayerId]]
_BEARER = security.HTTPBearer(
    scheme_name="player",
    description="An access token, from /v1/auth/guest, register, login or refresh.",
    bearerFormat="JWT",
    auto_error=False,
)
_ADMIN = security.HTTPBearer(
    scheme_name="admin", description="The install's admin token.", auto_error=False
)
_Given = security.HTTPAuthorizationCredentials | None
_ByPlayer = Annotated[_Given, fastapi.Security(_BEARER)]
_ByAdmin = Annotated[_Given, fastapi.Security(_ADMIN)]


def player(issuer: access.AccessTokens) -> Player:
    """The dependency that gives the player, or refuses."""

    async def given(credentials: _ByPlayer) -> PlayerId:
        if credentials is None:
            raise errors.Unauthenticated
        return PlayerId(issuer.check(credentials.credentials).sub)

    return given


def admin(token_file: Path | None) -> Callable[..., Awaitable[None]]:
    """The dependency that lets the administrator pass; without a token file, nobody.

    The file is read each time: these routes are rare, and a rotated token counts at once.
    """

    async def given(credentials: _ByAdmin) -> None:
        wanted = _read(token_file)
        if credentials is None or not wanted:
            raise errors.AdminOnly
        if not hmac.compare_digest(credentials.credentials.encode(), wanted):
            raise errors.AdminOnly

    return given


def _read(token_file: Path | None) -> bytes:
    try:
        return b"" if token_file is None else token_file.read_bytes().strip()
    except OSError:
        return b""


def address(request: fastapi.Request) -> str:
    """Where a request comes from, for counting."""
    return request.client.host if request.client is not None else "unknown"
