"""Accounts and tokens over REST."""

import fastapi

from matchfleet_api import errors, keyring, problems, schemas
from matchfleet_api.routes import callers
from matchfleet_api.services import accounts

_CREATED = 201


def router(service: accounts.Accounts, ring: keyring.Keyring) -> fastapi.APIRouter:
    """The routes under /v1/auth, and the public keys."""
    routes = fastapi.APIRouter(tags=["accounts"])

    @routes.post(
        "/v1/auth/guest",
        operation_id="logInAsGuest",
        summary="Make a guest account",
        status_code=_CREATED,
        responses=problems.declared(errors.Throttled),
    )
    async def guest(
        request: fastapi.Request, body: schemas.GuestIn | None = None
    ) -> schemas.LoginOut:
        name = None if body is None else body.name
        return _out(await service.guest(name, address=callers.address(request)))

    @routes.post(
        "/v1/auth/register",
        operation_id="register",
        summary="Make an account with a password",
        status_code=_CREATED,
        responses=problems.declared(errors.NameTaken, errors.Throttled, errors.Overloaded),
    )
    async def register(request: fastapi.Request, body: schemas.CredentialsIn) -> schemas.LoginOut:
        login = await service.register(body.name, body.password, address=callers.address(request))
        return _out(login)

    @routes.post(
        "/v1/auth/login",
        operation_id="logIn",
        summary="Log in with a password",
        responses=problems.declared(errors.WrongCredentials, errors.Throttled, errors.Overloaded),
    )
    async def log_in(request: fastapi.Request, body: schemas.CredentialsIn) -> schemas.LoginOut:
        login = await service.log_in(body.name, body.password, address=callers.address(request))
        return _out(login)

    @routes.post(
        "/v1/auth/refresh",
        operation_id="refresh",
        summary="Get the next tokens; the refresh token is used up",
        responses=problems.declared(errors.RefreshRefused),
    )
    async def refresh(body: schemas.RefreshIn) -> schemas.LoginOut:
        return _out(await service.refresh(body.refresh_token))

    @routes.post(
        "/v1/auth/logout",
        operation_id="logOut",
        summary="End a login",
        status_code=204,
        response_class=fastapi.Response,
    )
    async def log_out(body: schemas.RefreshIn) -> None:
        await service.log_out(body.refresh_token)

    @routes.get(
        "/.well-known/jwks.json",
        operation_id="publicKeys",
        summary="The keys that our tokens are signed with (RFC 7517)",
        response_model=dict[str, list[dict[str, str]]],
    )
    async def public_keys() -> fastapi.Response:
        return fastapi.Response(
            ring.current().jwks,
            media_type="application/json",
            headers={"Cache-Control": "public, max-age=60"},
        )

    return routes


def _out(login: accounts.Login) -> schemas.LoginOut:
    return schemas.LoginOut(
        player_id=login.player.id,
        name=login.player.name,
        access_token=login.access_token,
        refresh_token=login.refresh_token,
        token_type="Bearer",  # noqa: S106 - a kind of token, not one
        expires_in=login.expires_in_s,
    )
