"""The REST API for one player: typed answers, typed refusals, and a login that renews itself.

A call that may be repeated is: on a broken connection and on 503 it is sent again with jittered
waits. A call that may not (opening a ticket, making an account) fails at once, for only its caller
knows whether twice is harm. A 401 renews the login once; the renewal is shared by calls that run at
the same time, because a refresh token used twice would end the login (reuse revokes its family).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from matchfleet_client import backoff, errors, models, transport
from matchfleet_contracts.ids import MatchId, PlayerId, TicketId

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]
UNAVAILABLE = 503


class Api:
    """One player's view of the API.

    Args:
        carrier: what carries requests.
        retry: waits between repeated calls.
        sleep: how to wait.
        rng: where the jitter comes from.
    """

    def __init__(
        self,
        carrier: transport.Transport,
        *,
        retry: backoff.Backoff = backoff.Backoff(),  # noqa: B008 - a frozen value
        sleep: Sleep = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._carrier = carrier
        self._retry = retry
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._login: models.Login | None = None
        self._renewing = asyncio.Lock()

    @property
    def login(self) -> models.Login:
        """Who is logged in.

        Raises:
            errors.LoginNeeded: nobody is.
        """
        if self._login is None:
            raise errors.LoginNeeded(status=401, code="no_login", detail="log in first")
        return self._login

    async def login_guest(self, name: str | None = None) -> models.Login:
        """Play without an account: a new player each time."""
        return await self._log_in("guest", {"name": name} if name else {})

    async def register(self, name: str, password: str) -> models.Login:
        """Make an account and log in."""
        return await self._log_in("register", {"name": name, "password": password})

    async def login_password(self, name: str, password: str) -> models.Login:
        """Log in to an account."""
        return await self._log_in("login", {"name": name, "password": password})

    async def logout(self) -> None:
        """End the login; its refresh token is worth nothing afterwards."""
        token = self.login.refresh_token
        await self._send(_post("/v1/auth/logout", {"refresh_token": token}), may_repeat=True)
        self._login = None

    async def renew(self, *, seen: str) -> None:
        """Renew the login, unless another call has since `seen` was its access token."""
        async with self._renewing:
            if self.login.access_token != seen:
                return
            request = _post("/v1/auth/refresh", {"refresh_token": self.login.refresh_token})
            response = await self._send(request, may_repeat=False)
            self._login = _decode(response, models.Login)

    async def me(self) -> models.Player:
        """The logged-in player."""
        return await self._get("/v1/players/me", models.Player)

    async def player(self, player: PlayerId) -> models.Player:
        """Any player."""
        return await self._get(f"/v1/players/{player}", models.Player)

    async def my_match(self) -> MatchId | None:
        """The match that the player is in now: how a client that lost everything finds it."""
        try:
            reply = await self._get("/v1/players/me/match", dict[str, Any])
        except errors.NotFound:
            return None
        found = reply.get("match")
        # The API may name the match or show it whole; its id is all that is needed here.
        return MatchId(found["id"] if isinstance(found, dict) else str(found))

    async def matches_of(self, player: PlayerId, *, limit: int = 20) -> list[models.Match]:
        """A player's matches, the latest first."""
        path = f"/v1/players/{player}/matches"
        reply = await self._get(path, dict[str, Any], query={"limit": str(limit)})
        return msgspec.convert(reply.get("matches", []), list[models.Match])

    async def open_ticket(self, *, game: str, mode: str, rtt_ms: dict[str, int]) -> models.Ticket:
        """Join a queue; `rtt_ms` is the round trip to each region the player would play in."""
        body = {"game": game, "mode": mode, "rtt_ms": rtt_ms}
        return _decode(await self._call(_post("/v1/tickets", body)), models.Ticket)

    async def ticket(self, ticket: TicketId) -> models.Ticket:
        """Where a ticket stands."""
        return await self._get(f"/v1/tickets/{ticket}", models.Ticket)

    async def cancel_ticket(self, ticket: TicketId) -> models.Ticket:
        """Leave the queue; refused with Conflict when a match is being made already."""
        request = transport.Request("DELETE", f"/v1/tickets/{ticket}")
        return _decode(await self._call(request, may_repeat=True), models.Ticket)

    async def match(self, match: MatchId) -> models.Match:
        """Where a match stands."""
        return await self._get(f"/v1/matches/{match}", models.Match)

    async def join(self, match: MatchId) -> models.Join:
        """A fresh right to the player's seat; each may be used once."""
        request = _post(f"/v1/matches/{match}/join", {})
        return _decode(await self._call(request, may_repeat=True), models.Join)

    async def leaderboard(self, game: str, mode: str, *, limit: int = 50) -> models.Leaderboard:
        """The first places of one game and mode."""
        path = f"/v1/leaderboards/{game}/{mode}"
        return await self._get(path, models.Leaderboard, query={"limit": str(limit)})

    async def queues(self) -> list[models.QueueInfo]:
        """The queues that players may join."""
        reply = await self._get("/v1/queues", dict[str, Any])
        return msgspec.convert([_queue(q) for q in reply.get("queues", [])], list[models.QueueInfo])

    async def _log_in(self, how: str, body: dict[str, Any]) -> models.Login:
        response = await self._send(_post(f"/v1/auth/{how}", body), may_repeat=False)
        self._login = _decode(response, models.Login)
        return self._login

    async def _get(self, path: str, kind: type[T], *, query: dict[str, str] | None = None) -> T:
        request = transport.Request("GET", path, query or {})
        return _decode(await self._call(request, may_repeat=True), kind)

    async def _call(
        self, request: transport.Request, *, may_repeat: bool = False
    ) -> transport.Response:
        """Send with the login, if any; renew it once when it is refused."""
        if self._login is None:
            return await self._send(request, may_repeat=may_repeat)
        seen = self._login.access_token
        try:
            return await self._send(_with_token(request, seen), may_repeat=may_repeat)
        except errors.LoginNeeded:
            await self.renew(seen=seen)
        again = _with_token(request, self.login.access_token)
        return await self._send(again, may_repeat=may_repeat)

    async def _send(self, request: transport.Request, *, may_repeat: bool) -> transport.Response:
        waits = backoff.waits(self._retry, rng=self._rng)
        while True:
            failure: errors.ClientError
            asked_s = None
            try:
                response = await self._carrier.send(request)
            except errors.Unreachable as error:
                failure = error
            else:
                if response.status < 400:
                    return response
                failure = refusal(response)
                asked_s = response.retry_after_s
                if response.status != UNAVAILABLE:
                    raise failure
            wait_s = next(waits, None)
            if not may_repeat or wait_s is None:
                raise failure
            await self._sleep(max(wait_s, asked_s or 0.0))


async def audit(carrier: transport.Transport, *, token: str) -> models.Audit:
    """The audit of a live install, with the operator's token rather than a player's."""
    response = await carrier.send(transport.Request("GET", "/v1/admin/audit", token=token))
    if response.status >= 400:
        raise refusal(response)
    return _decode(response, models.Audit)


def refusal(response: transport.Response) -> errors.Refused:
    """The typed error in an answer of 400 and above."""
    try:
        problem = msgspec.json.decode(response.body, type=models.Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # A proxy in between answers in its own words.
        problem = models.Problem(code="no_problem_document", title="the answer gives no reason")
    detail = problem.detail or problem.title
    if problem.errors:
        detail = f"{detail}: {msgspec.json.encode(problem.errors).decode()}"
    kind = errors.BY_STATUS.get(response.status, errors.Refused)
    return kind(status=response.status, code=problem.code, detail=detail)


def _post(path: str, body: dict[str, Any]) -> transport.Request:
    return transport.Request("POST", path, body=msgspec.json.encode(body))


def _with_token(request: transport.Request, token: str) -> transport.Request:
    return transport.Request(
        request.method, request.path, query=request.query, body=request.body, token=token
    )


def _queue(raw: dict[str, Any]) -> dict[str, Any]:
    # Regions come as a list of names, or as the map of regions to fleets.
    return raw | {"regions": list(raw.get("regions", []))}


def _decode(response: transport.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.ReplyInvalid("the reply", str(error)) from error
