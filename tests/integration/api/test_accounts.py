import asyncio

import argon2
import hostile_tokens
import jwt
from frontdoor import opened
from tickets import NOW

from matchfleet_api import keyring
from matchfleet_contracts import keys, tokens

SOMEBODY = "01a20fb5-1b02-764f-b07f-c2a696b9dd6b"


async def test_a_guest_is_somebody_at_once(front_door):
    guest = await front_door.guest("Ada")
    me = (await guest.call("GET", "/v1/players/me")).json
    assert (me["id"], me["name"], me["kind"], me["ratings"]) == (guest.id, "Ada", "guest", [])


async def test_a_guest_without_a_name_gets_one(front_door):
    answer = await front_door.call("POST", "/v1/auth/guest")
    assert answer.status == 201
    assert answer.json["name"].startswith("Guest ")


async def test_a_name_and_password_log_in_whatever_the_case_of_the_name(front_door):
    account = {"name": "Ada-99", "password": "correct horse"}
    made = await front_door.call("POST", "/v1/auth/register", account)
    assert made.status == 201
    login = await front_door.call("POST", "/v1/auth/login", account | {"name": "ADA-99"})
    assert login.status == 200
    assert login.json["player_id"] == made.json["player_id"]
    assert login.json["name"] == "Ada-99"
    assert (login.json["token_type"], login.json["expires_in"]) == ("Bearer", 600)


async def test_a_taken_name_is_a_conflict(front_door):
    account = {"name": "ada", "password": "correct horse"}
    await front_door.call("POST", "/v1/auth/register", account)
    again = await front_door.call("POST", "/v1/auth/register", account | {"name": "ADA"})
    assert (again.status, again.code) == (409, "name_taken")


async def test_a_wrong_password_and_an_unknown_name_look_the_same(front_door):
    account = {"name": "ada", "password": "correct horse"}
    await front_door.call("POST", "/v1/auth/register", account)
    wrong = await front_door.call("POST", "/v1/auth/login", account | {"password": "battery s"})
    unknown = await front_door.call("POST", "/v1/auth/login", account | {"name": "bob"})
    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body
    assert wrong.code == "wrong_credentials"


async def test_a_refresh_token_is_good_once(front_door):
    guest = await front_door.guest()
    first = await front_door.call(
        "POST", "/v1/auth/refresh", {"refresh_token": guest.refresh_token}
    )
    assert first.status == 200
    assert first.json["player_id"] == guest.id
    second = await front_door.call(
        "POST", "/v1/auth/refresh", {"refresh_token": first.json["refresh_token"]}
    )
    assert second.status == 200


async def test_a_refresh_token_used_twice_ends_its_whole_login(front_door):
    guest = await front_door.guest()
    first = await front_door.call(
        "POST", "/v1/auth/refresh", {"refresh_token": guest.refresh_token}
    )
    stolen = await front_door.call(
        "POST", "/v1/auth/refresh", {"refresh_token": guest.refresh_token}
    )
    assert (stolen.status, stolen.code) == (401, "refresh_refused")
    after = await front_door.call(
        "POST", "/v1/auth/refresh", {"refresh_token": first.json["refresh_token"]}
    )
    assert after.status == 401


async def test_a_refresh_token_used_many_times_at_once_is_good_at_most_once(front_door):
    guest = await front_door.guest()
    body = {"refresh_token": guest.refresh_token}
    answers = await asyncio.gather(
        *(front_door.call("POST", "/v1/auth/refresh", body) for _ in range(8))
    )
    good = [a for a in answers if a.status == 200]
    assert len(good) <= 1
    for answer in good:
        body = {"refresh_token": answer.json["refresh_token"]}
        assert (await front_door.call("POST", "/v1/auth/refresh", body)).status == 401


async def test_another_login_survives_a_revoked_one(front_door):
    account = {"name": "ada", "password": "correct horse"}
    await front_door.call("POST", "/v1/auth/register", account)
    logins = [(await front_door.call("POST", "/v1/auth/login", account)).json for _ in range(2)]
    out = await front_door.call(
        "POST", "/v1/auth/logout", {"refresh_token": logins[0]["refresh_token"]}
    )
    assert (out.status, out.body) == (204, b"")
    statuses = [
        (
            await front_door.call("POST", "/v1/auth/refresh", {"refresh_token": x["refresh_token"]})
        ).status
        for x in logins
    ]
    assert statuses == [401, 200]


async def test_an_unknown_refresh_token_logs_nobody_out(front_door):
    out = await front_door.call("POST", "/v1/auth/logout", {"refresh_token": "nobody's"})
    assert out.status == 204


async def test_anybody_can_check_our_tokens_with_the_published_keys(front_door):
    guest = await front_door.guest()
    answer = await front_door.call("GET", "/.well-known/jwks.json")
    public = keys.decode_public(answer.body)
    found = tokens.verify(
        guest.access_token,
        tokens.AccessClaims,
        public=public,
        audience=tokens.ACCESS_AUDIENCE,
        now=front_door.parts.services.clock.now(),
    )
    assert found.sub == guest.id
    assert all(set(k) == {"kty", "crv", "alg", "use", "kid", "x"} for k in answer.json["keys"])
    assert jwt.get_unverified_header(guest.access_token)["kid"] in public.by_kid


CLOSED = [
    ("GET", "/v1/players/me"),
    ("GET", "/v1/players/me/match"),
    ("GET", f"/v1/players/{SOMEBODY}"),
    ("GET", f"/v1/players/{SOMEBODY}/matches"),
    ("POST", "/v1/tickets"),
    ("GET", f"/v1/tickets/{SOMEBODY}"),
    ("DELETE", f"/v1/tickets/{SOMEBODY}"),
    ("GET", f"/v1/matches/{SOMEBODY}"),
    ("POST", f"/v1/matches/{SOMEBODY}/join"),
    ("GET", "/v1/admin/audit"),
    ("GET", "/v1/admin/analytics"),
    ("POST", f"/v1/admin/matches/{SOMEBODY}/cancel"),
]


async def test_without_a_good_token_nothing_is_told(front_door, subtests):
    for method, path in CLOSED:
        for authorization in (None, "", "Bearer", "Bearer x.y.z", "Basic YTpi"):
            with subtests.test(method=method, path=path, authorization=authorization):
                headers = {} if authorization is None else {"Authorization": authorization}
                body = {"game": "airhockey", "mode": "blitz"} if path == "/v1/tickets" else None
                answer = await front_door.call(method, path, body, headers=headers)
                assert answer.status == 401
                assert answer.code in {"unauthenticated", "admin_only"}
                assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_hostile_token_is_refused_and_never_our_fault(front_door, monkeypatch, subtests):
    class Then:
        def now(self):
            return NOW

    path = front_door.config.api_signing_keys
    path.write_bytes(keys.encode_private([hostile_tokens.OURS, hostile_tokens.OLD]))
    monkeypatch.setattr(keyring, "_LOOK_PERIOD_S", -1.0)
    monkeypatch.setattr(front_door.parts.services.issuer, "_clock", Then())
    good = {"Authorization": f"Bearer {hostile_tokens.signed()}"}
    assert (await front_door.call("GET", "/v1/players/me", headers=good)).status == 404
    for name, token in hostile_tokens.HOSTILE.items():
        if not token.isprintable() or not token.isascii() or token != token.strip():
            continue  # No header can carry it as it is.
        with subtests.test(token=name):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await front_door.call("GET", "/v1/players/me", headers=headers)
            # A header of a megabyte ends the connection before anybody reads a token in it.
            assert answer.status in ({400, 401, 431} if len(token) > 16_000 else {401})


async def test_a_players_token_does_not_open_the_admin_routes(front_door):
    guest = await front_door.guest()
    assert (await guest.call("GET", "/v1/admin/audit")).status == 401


MALFORMED = [
    ("/v1/auth/guest", {"name": ""}),
    ("/v1/auth/guest", {"name": " Ada"}),
    ("/v1/auth/guest", {"name": "x" * 33}),
    ("/v1/auth/guest", {"name": "nul\x00"}),
    ("/v1/auth/guest", {"name": "line\nbreak"}),
    ("/v1/auth/guest", {"name": "right\u202eleft"}),
    ("/v1/auth/guest", {"name": "Ada", "roles": ["admin"]}),
    ("/v1/auth/register", {"name": "ad", "password": "correct horse"}),
    ("/v1/auth/register", {"name": "a b", "password": "correct horse"}),
    ("/v1/auth/register", {"name": "ada", "password": "short"}),
    ("/v1/auth/register", {"name": "ada", "password": "x" * 257}),
    ("/v1/auth/register", {"name": "ada"}),
    ("/v1/auth/login", []),
    ("/v1/auth/refresh", {"refresh_token": ""}),
    ("/v1/auth/refresh", {"refresh_token": 1}),
]


async def test_what_is_malformed_is_told_with_its_place_and_without_its_value(front_door, subtests):
    for path, body in MALFORMED:
        with subtests.test(path=path, body=body):
            answer = await front_door.call("POST", path, body)
            assert (answer.status, answer.code) == (422, "invalid")
            assert all(set(e) == {"pointer", "detail"} for e in answer.json["errors"])
            assert b"correct horse" not in answer.body


async def test_limits_of_logins_hold_with_redis_and_without(tmp_path, postgres_dsn, redis_url):
    account = {"name": "ada", "password": "correct horse"}
    for number, url in enumerate((redis_url, "redis://127.0.0.1:1/0")):
        folder = tmp_path / str(number)
        async with opened(
            folder, dsn=postgres_dsn, redis_url=url, logins_per_account_per_minute=3
        ) as door:
            wrong = account | {"password": "wrong password"}
            statuses = [(await door.call("POST", "/v1/auth/login", wrong)).status for _ in range(4)]
            assert statuses == [401, 401, 401, 429]
            refused = await door.call("POST", "/v1/auth/login", account)
            assert (refused.status, refused.code) == (429, "throttled")
            assert int(refused.headers["retry-after"]) > 0
            other = await door.call("POST", "/v1/auth/login", account | {"name": "bob"})
            assert other.status == 401, "another account is not held up"


async def test_a_weak_hash_is_made_strong_at_the_next_login(front_door):
    account = {"name": "ada", "password": "correct horse"}
    await front_door.call("POST", "/v1/auth/register", account)
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    await front_door.sql("UPDATE credentials SET password_hash = $1", weak.hash("correct horse"))
    assert (await front_door.call("POST", "/v1/auth/login", account)).status == 200
    (row,) = await front_door.sql("SELECT password_hash FROM credentials")
    assert "m=19456,t=2,p=1" in row["password_hash"]


async def test_secrets_are_kept_as_hashes_only(front_door):
    account = {"name": "ada", "password": "correct horse"}
    made = (await front_door.call("POST", "/v1/auth/register", account)).json
    kept = await front_door.sql(
        "SELECT c::text || r::text AS t FROM credentials c, refresh_tokens r"
    )
    for row in kept:
        assert "correct horse" not in row["t"]
        assert made["refresh_token"] not in row["t"]
