import asyncio
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from matchfleet_client import api, backoff, errors, models, transport
from matchfleet_contracts.ids import MatchId, TicketId

LOGIN = {
    "player_id": "p1",
    "name": "one",
    "access_token": "a1",
    "refresh_token": "r1",
    "token_type": "Bearer",
    "expires_in": 600,
}
TICKET = {
    "id": "t1",
    "state": "queued",
    "game": "airhockey",
    "mode": "blitz",
    "queued_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-01T00:05:00Z",
    "match_id": None,
    "waited_s": 0.5,
    "a_field_of_a_newer_api": 1,
}
Answer = transport.Response | Exception


def ok(body: Any, status: int = 200) -> transport.Response:
    return transport.Response(status, msgspec.json.encode(body))


def problem(status: int, code: str, **more: Any) -> transport.Response:
    body = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": "No."}
    return transport.Response(status, msgspec.json.encode(body | more))


class Script:
    """Answers requests from a list, and remembers them."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[transport.Request] = []

    async def send(self, request: transport.Request) -> transport.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Naps:
    """Waits that take no time."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


def api_of(script: Script, naps: Naps | None = None) -> api.Api:
    plan = backoff.Backoff(tries=3)
    return api.Api(script, retry=plan, sleep=naps or Naps(), rng=random.Random(1))


async def test_a_guest_logs_in_and_its_token_goes_with_the_next_call() -> None:
    script = Script(ok(LOGIN), ok(TICKET, 201))
    rest = api_of(script)
    await rest.login_guest("one")
    ticket = await rest.open_ticket(game="airhockey", mode="blitz", rtt_ms={"eu": 20})
    assert ticket.state == "queued"
    assert script.asked[0].token is None
    assert script.asked[1].token == "a1"
    assert msgspec.json.decode(script.asked[1].body or b"") == {
        "game": "airhockey",
        "mode": "blitz",
        "rtt_ms": {"eu": 20},
    }


@pytest.mark.parametrize(
    "failure", [errors.Unreachable("here", "gone"), problem(503, "unavailable")]
)
async def test_a_read_is_sent_again_when_the_api_is_away(failure: Answer) -> None:
    naps = Naps()
    script = Script(failure, failure, ok(TICKET))
    assert (await api_of(script, naps).ticket(TicketId("t1"))).id == "t1"
    assert len(naps.taken) == 2


async def test_a_read_fails_with_the_last_reason_when_the_api_stays_away() -> None:
    script = Script(*[problem(503, "unavailable")] * 4)
    with pytest.raises(errors.Refused, match="unavailable"):
        await api_of(script).ticket(TicketId("t1"))
    assert len(script.asked) == 4


async def test_the_server_may_ask_for_a_longer_wait() -> None:
    naps = Naps()
    busy = transport.Response(503, b"{}", retry_after_s=7.0)
    await api_of(Script(busy, ok(TICKET)), naps).ticket(TicketId("t1"))
    assert naps.taken == [7.0]


async def test_a_ticket_is_never_opened_twice_by_the_client() -> None:
    script = Script(errors.Unreachable("here", "gone"))
    with pytest.raises(errors.Unreachable):
        await api_of(script).open_ticket(game="airhockey", mode="blitz", rtt_ms={})
    assert len(script.asked) == 1


async def test_an_ended_login_is_renewed_once_and_the_call_repeated() -> None:
    renewed = LOGIN | {"access_token": "a2", "refresh_token": "r2"}
    script = Script(ok(LOGIN), problem(401, "token_expired"), ok(renewed), ok(TICKET))
    rest = api_of(script)
    await rest.login_guest()
    await rest.ticket(TicketId("t1"))
    assert [request.path for request in script.asked[1:]] == [
        "/v1/tickets/t1",
        "/v1/auth/refresh",
        "/v1/tickets/t1",
    ]
    assert script.asked[3].token == "a2"
    assert rest.login.refresh_token == "r2"


async def test_a_login_that_cannot_be_renewed_needs_a_new_one() -> None:
    script = Script(ok(LOGIN), problem(401, "token_expired"), problem(401, "refresh_revoked"))
    rest = api_of(script)
    await rest.login_guest()
    with pytest.raises(errors.LoginNeeded, match="refresh_revoked"):
        await rest.ticket(TicketId("t1"))


class Expired:
    """An API whose first access token has ended; a refresh token works once."""

    def __init__(self) -> None:
        self.refreshes = 0

    async def send(self, request: transport.Request) -> transport.Response:
        await asyncio.sleep(0)
        if request.path == "/v1/auth/guest":
            return ok(LOGIN)
        if request.path == "/v1/auth/refresh":
            self.refreshes += 1
            return ok(LOGIN | {"access_token": "a2", "refresh_token": "r2"})
        return ok(TICKET) if request.token == "a2" else problem(401, "token_expired")


async def test_calls_at_the_same_time_share_one_renewal() -> None:
    away = Expired()
    rest = api.Api(away)
    await rest.login_guest()
    await asyncio.gather(*(rest.ticket(TicketId("t1")) for _ in range(5)))
    assert away.refreshes == 1


async def test_nobody_is_logged_in_at_first() -> None:
    with pytest.raises(errors.LoginNeeded, match="log in first"):
        _ = api_of(Script()).login


async def test_after_logout_nobody_is_logged_in() -> None:
    rest = api_of(Script(ok(LOGIN), transport.Response(204)))
    await rest.login_guest()
    await rest.logout()
    with pytest.raises(errors.LoginNeeded):
        _ = rest.login


REFUSALS: list[tuple[int, type[errors.Refused]]] = [
    (401, errors.LoginNeeded),
    (404, errors.NotFound),
    (409, errors.Conflict),
    (410, errors.Refused),
    (422, errors.Refused),
]


@pytest.mark.parametrize(("status", "kind"), REFUSALS)
def test_a_problem_becomes_a_typed_refusal(status: int, kind: type[errors.Refused]) -> None:
    refused = api.refusal(problem(status, "why", errors=[{"field": "game"}]))
    assert type(refused) is kind
    assert (refused.status, refused.code) == (status, "why")
    assert "game" in str(refused)


def test_a_refusal_in_foreign_words_is_a_refusal_all_the_same() -> None:
    refused = api.refusal(transport.Response(502, b"<html>bad gateway</html>"))
    assert refused.status == 502


async def test_an_answer_that_is_not_ours_says_to_check_the_address() -> None:
    with pytest.raises(errors.ReplyInvalid, match="check the address"):
        await api_of(Script(ok({"hello": "world"}))).ticket(TicketId("t1"))


@pytest.mark.parametrize("shape", [{"match": "m1"}, {"match": {"id": "m1", "state": "ready"}}])
async def test_the_players_match_is_found_by_its_id(shape: dict[str, Any]) -> None:
    assert await api_of(Script(ok(shape))).my_match() == MatchId("m1")


async def test_a_player_without_a_match_has_none() -> None:
    assert await api_of(Script(problem(404, "no_live_match"))).my_match() is None


READS: list[Callable[[api.Api], Any]] = [
    lambda rest: rest.me(),
    lambda rest: rest.match(MatchId("m1")),
    lambda rest: rest.leaderboard("airhockey", "blitz"),
    lambda rest: rest.queues(),
]


@pytest.mark.parametrize("read", READS)
async def test_every_read_may_be_repeated(read: Callable[[api.Api], Any]) -> None:
    script = Script(problem(503, "unavailable"), problem(404, "stop"))
    with pytest.raises(errors.NotFound):
        await read(api_of(script))


async def test_tokens_stay_out_of_representations() -> None:
    login = msgspec.convert(LOGIN, models.Login)
    join = models.Join(url="ws://x", token="secret", seat=msgspec.convert(0, int), expires_at="")  # type: ignore[arg-type]
    request = transport.Request("GET", "/", token="secret")
    assert "a1" not in repr(login)
    assert "r1" not in repr(login)
    assert "secret" not in repr(join) + repr(request)


async def test_an_audit_is_read_with_the_operators_token() -> None:
    checks = [{"invariant": "I1", "title": "t", "ok": False, "violations": ["m1"], "detail": None}]
    script = Script(ok({"ok": False, "checks": checks}))
    found = await api.audit(script, token="admin")
    assert not found.ok
    assert script.asked[0].token == "admin"
