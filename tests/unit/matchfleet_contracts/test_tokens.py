import base64
import datetime as dt
import json

import jwt
import msgspec
import pytest

from matchfleet_contracts import errors, keys, resources, tokens

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
AT = int(NOW.timestamp())
KEY = keys.new_signing_key(bytes(32))
OTHER = keys.new_signing_key(b"\x01" * 32)
PUBLIC = keys.decode_public(keys.encode_public([KEY]))
AUDIENCE = tokens.join_audience("match-uid", "pod-uid")


def join(**changes: object) -> tokens.JoinClaims:
    fields: dict[str, object] = {
        "sub": "player",
        "aud": AUDIENCE,
        "iat": AT,
        "exp": AT + 60,
        "jti": "j1",
        "seat": 0,
        "name": "Ada",
    }
    return tokens.JoinClaims(**(fields | changes))  # type: ignore[arg-type]


def verify(token: str, *, audience: str = AUDIENCE, now: dt.datetime = NOW) -> tokens.JoinClaims:
    return tokens.verify(token, tokens.JoinClaims, public=PUBLIC, audience=audience, now=now)


def raw(payload: object, *, header: dict[str, object] | None = None) -> str:
    """A token signed with our key, but with any header and payload."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    head = {"alg": "EdDSA", "kid": KEY.kid, "typ": "join+jwt"} | (header or {})
    signed = f"{part(head)}.{part(payload)}"
    signature = base64.urlsafe_b64encode(KEY.private.sign(signed.encode())).rstrip(b"=").decode()
    return f"{signed}.{signature}"


GOOD = msgspec.to_builtins(join())


def test_what_is_signed_is_what_is_verified() -> None:
    assert verify(tokens.sign(join(), KEY)) == join()


def test_an_assignment_carries_the_whole_spec() -> None:
    spec = resources.MatchSpec(
        game="airhockey",
        mode="blitz",
        region="eu",
        fleets=["a"],
        players=[resources.RosterEntry(seat=0, kind=resources.PlayerKind.HUMAN, id="p")],
        config={"durationSeconds": 20},
    )
    claims = tokens.AssignmentClaims(
        aud="pod-uid",
        iat=AT,
        exp=AT + 60,
        jti="a",
        match="m-1",
        match_uid="u",
        spec=spec,
        api_jwks="{}",
    )
    token = tokens.sign(claims, KEY)
    found = tokens.verify(
        token, tokens.AssignmentClaims, public=PUBLIC, audience="pod-uid", now=NOW
    )
    assert found.spec == spec


def test_two_keys_live_side_by_side_and_the_first_signs() -> None:
    both = keys.decode_private(keys.encode_private([OTHER, KEY]))
    public = keys.decode_public(keys.encode_public(both))
    for key in both:
        token = tokens.sign(join(), key)
        tokens.verify(token, tokens.JoinClaims, public=public, audience=AUDIENCE, now=NOW)
    assert both[0].kid == OTHER.kid


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="no-base64"),
        pytest.param("x" * (tokens.MAX_TOKEN_BYTES + 1), id="too-long"),
        pytest.param(tokens.sign(join(), OTHER), id="unknown-key"),
        pytest.param(tokens.sign(join(aud="match-uid/other-pod"), KEY), id="another-pod"),
        pytest.param(tokens.sign(join(aud=AUDIENCE + "x"), KEY), id="audience-prefix"),
        pytest.param(tokens.sign(join(exp=AT - 6), KEY), id="expired"),
        pytest.param(tokens.sign(join(iat=AT + 6, exp=AT + 66), KEY), id="from-the-future"),
        pytest.param(tokens.sign(join(iss="someone"), KEY), id="another-issuer"),
        pytest.param(raw(GOOD, header={"typ": "at+jwt"}), id="another-kind"),
        pytest.param(raw(GOOD, header={"typ": None}), id="no-kind"),
        pytest.param(raw(GOOD, header={"kid": None}), id="no-kid"),
        pytest.param(raw(GOOD, header={"kid": "../../etc/passwd"}), id="kid-path"),
        pytest.param(raw(GOOD, header={"kid": ["a"]}), id="kid-list"),
        pytest.param(raw(GOOD, header={"crit": ["exp"]}), id="critical-extension"),
        pytest.param(raw(GOOD, header={"alg": "none"}), id="alg-none"),
        pytest.param(raw(GOOD, header={"alg": "HS256"}), id="alg-hs256"),
        pytest.param(raw(GOOD | {"exp": 1e400}), id="exp-infinite"),
        pytest.param(raw(GOOD | {"exp": "soon"}), id="exp-text"),
        pytest.param(raw(GOOD | {"seat": "0"}), id="seat-text"),
        pytest.param(raw({k: v for k, v in GOOD.items() if k != "jti"}), id="no-jti"),
        pytest.param(raw({k: v for k, v in GOOD.items() if k != "exp"}), id="no-exp"),
        pytest.param(raw([GOOD]), id="payload-list"),
        pytest.param(raw("join"), id="payload-text"),
        pytest.param(jwt.encode(GOOD, "k" * 64, algorithm="HS256"), id="hmac"),
        pytest.param(tokens.sign(join(), KEY)[:-2], id="signature-cut"),
    ],
)
def test_a_hostile_token_is_refused(token: str) -> None:
    with pytest.raises(errors.TokenInvalid):
        verify(token)


def test_a_public_set_holds_no_private_part() -> None:
    assert b'"d"' not in keys.encode_public([KEY])
    with pytest.raises(errors.TokenInvalid, match="no private key"):
        keys.decode_private(keys.encode_public([KEY]))


@pytest.mark.parametrize("text", [b"", b"[]", b'{"keys":[{"kty":"RSA","x":"","kid":""}]}'])
def test_a_set_of_other_keys_is_refused(text: bytes) -> None:
    with pytest.raises(errors.TokenInvalid):
        keys.decode_public(text)
