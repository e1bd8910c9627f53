"""What holds for every request: bounds, problems, probes, documents, stores that are away."""

import asyncio

import steps
from frontdoor import opened

from matchfleet_adapters import errors
from matchfleet_api import metrics


async def test_a_body_has_a_bound_whatever_its_header_says(front_door, subtests):
    for size, status, code in ((65_536, 422, "invalid"), (65_537, 413, "body_too_large")):
        filling = b'{"name": "' + b"x" * (size - 12) + b'"}'
        assert len(filling) == size
        for is_chunked in (False, True):
            with subtests.test(size=size, is_chunked=is_chunked):
                answer = await front_door.call(
                    "POST",
                    "/v1/auth/guest",
                    data=in_chunks(filling) if is_chunked else filling,
                    headers={"content-type": "application/json"},
                )
                assert (answer.status, answer.code) == (status, code)


async def in_chunks(body):
    for start in range(0, len(body), 8192):
        yield body[start : start + 8192]


BROKEN = [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe", b'{"name": "\\ud800"}', b"NaN"]


async def test_a_body_that_is_no_description_is_never_our_fault(front_door, subtests):
    for path in ("/v1/auth/register", "/v1/auth/login", "/v1/auth/refresh"):
        for body in [*BROKEN, b"[" * 30_000]:
            with subtests.test(path=path, body=body[:20]):
                answer = await front_door.call(
                    "POST", path, data=body, headers={"content-type": "application/json"}
                )
                assert answer.status in {400, 422}
                assert answer.code in {"bad_request", "invalid"}


async def test_the_probes_tell_what_is_wrong(front_door):
    assert (await front_door.call("GET", "/livez")).status == 200
    ready = await front_door.call("GET", "/readyz")
    assert (ready.status, ready.body) == (200, b"ok\n")
    front_door.board.wrong("match-watch", "Kubernetes does not answer")
    ready = await front_door.call("GET", "/readyz")
    assert ready.status == 200
    assert b"match-watch" in ready.body


async def test_without_postgres_a_process_is_not_ready(front_door, monkeypatch):
    def away(*_, **__):
        raise errors.Unavailable(store="PostgreSQL", detail="told to be away")

    monkeypatch.setattr(type(front_door.database), "connection", away)
    ready = await front_door.call("GET", "/readyz")
    assert ready.status == 503
    refused = await front_door.call("POST", "/v1/auth/guest", {})
    assert (refused.status, refused.code) == (503, "unavailable")
    assert refused.headers["retry-after"] == "1"
    assert b"told to be away" not in refused.body


async def test_the_documents_ask_nobody_else(front_door):
    page = await front_door.call("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"http" not in page.body.replace(b"http-equiv", b"")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js", "favicon-32x32.png"):
        assert f'"docs/{name}"'.encode() in page.body
        assert (await front_door.call("GET", f"/docs/{name}")).status == 200
    assert (await front_door.call("GET", "/docs/../settings.py")).status == 404
    assert (await front_door.call("GET", "/docs/package.json")).status == 404


async def test_requests_are_measured_by_their_routes_template(front_door):
    guest = await front_door.guest()
    await guest.call("GET", f"/v1/players/{guest.id}")
    await guest.call("GET", "/v1/nowhere/at/all")
    seen = {
        (s.labels["route"], s.labels["status"])
        for m in metrics.REQUEST_TIME.collect()
        for s in m.samples
    }
    assert ("/v1/players/{player_id}", "200") in seen
    assert ("unrouted", "404") in seen
    assert not any(guest.id in route for route, _ in seen)


async def test_without_redis_every_answer_is_right(tmp_path, postgres_dsn):
    async with opened(
        tmp_path, dsn=postgres_dsn, redis_url="redis://127.0.0.1:1/0", redis_budget_s=0.05
    ) as door:
        first, second, match = await steps.pair_two(door)
        for state in ("created", "ready"):
            assert (await first.call("GET", f"/v1/matches/{match}")).json["state"] == state
            await steps.make_ready(door, match)
        await steps.record_end(door, match, deltas={first.id: 16, second.id: -16})
        assert (await first.call("GET", f"/v1/matches/{match}")).json["state"] == "completed"
        assert (await first.call("GET", "/v1/players/me")).json["ratings"][0]["rating"] == 1516


async def test_a_live_match_is_remembered_for_a_moment_only(front_door):
    first, _, match = await steps.pair_two(front_door)
    await first.call("GET", f"/v1/matches/{match}")
    await steps.make_ready(front_door, match)
    await steps.record_end(front_door, match)
    async with asyncio.timeout(5):
        state = None
        while state != "completed":
            await asyncio.sleep(0.05)
            state = (await first.call("GET", f"/v1/matches/{match}")).json["state"]
