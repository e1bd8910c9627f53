"""Hostile access tokens: forged, altered, for others, out of time, or no tokens at all.

A process under test knows `OURS` and `OLD`, and its clock stands at `tickets.NOW`.
"""

import base64
import hmac
import json

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tickets import NOW

from matchfleet_contracts import keys

OURS = keys.new_signing_key(b"\x01" * 32)
OLD = keys.new_signing_key(b"\x02" * 32)
THEIRS = keys.new_signing_key(b"\x03" * 32)
NOW_S = int(NOW.timestamp())
PLAYER = "01a20fb5-1b02-764f-b07f-c2a696b9dd6b"


def claims(**changes):
    values = {
        "sub": PLAYER,
        "aud": "matchfleet-api",
        "iss": "matchfleet-api",
        "iat": NOW_S,
        "exp": NOW_S + 600,
        "jti": "id",
        "roles": ["player"],
    }
    return {k: v for k, v in (values | changes).items() if v is not ...}


def signed(payload=None, *, key=OURS, algorithm="EdDSA", private=None, **headers):
    head = {"kid": key.kid, "typ": "at+jwt"} | headers
    head = {k: v for k, v in head.items() if v is not ...}
    return jwt.encode(
        claims() if payload is None else payload,
        private or key.private,
        algorithm=algorithm,
        headers=head,
    )


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(header, payload=None, signature=b""):
    body = payload if isinstance(payload, bytes) else json.dumps(payload or claims()).encode()
    return f"{b64(json.dumps(header).encode())}.{b64(body)}.{b64(signature)}"


def forged_with_public_key(hash_name):
    public = OURS.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    text = unsigned({"alg": hash_name, "kid": OURS.kid, "typ": "at+jwt"}).rstrip(".")
    name = hash_name.replace("HS", "sha")
    return f"{text}.{b64(hmac.new(public, text.encode(), name).digest())}"


def altered(token, **changes):
    head, _, signature = token.split(".")
    return f"{head}.{b64(json.dumps(claims(**changes)).encode())}.{signature}"


def resigned_raw(body: bytes, header=None):
    head = b64(json.dumps(header or {"alg": "EdDSA", "kid": OURS.kid, "typ": "at+jwt"}).encode())
    text = f"{head}.{b64(body)}"
    return f"{text}.{b64(OURS.private.sign(text.encode()))}"


GOOD_HEADER = {"alg": "EdDSA", "kid": OURS.kid, "typ": "at+jwt"}
EMBEDDED = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": json.loads(keys.encode_public([THEIRS]))["keys"][0]["x"],
}
HOSTILE = {
    "empty": "",
    "one part": "abc",
    "two parts": "abc.def",
    "four parts": signed() + ".x",
    "dots": "..",
    "not base64": "!!!.???.###",
    "spaces": f" {signed()}",
    "nul byte": signed() + "\x00",
    "not ascii": "ä" + signed(),
    "lone surrogate": "\ud800" + signed(),
    "megabyte": "a" * 1_048_576,
    "megabyte of claims": signed(claims(jti="x" * 70_000)),
    "deep nesting": resigned_raw(b"[" * 10_000),
    "alg none": unsigned({"alg": "none", "kid": OURS.kid, "typ": "at+jwt"}),
    "alg None": unsigned({"alg": "None", "kid": OURS.kid, "typ": "at+jwt"}),
    "alg nOnE": unsigned({"alg": "nOnE", "kid": OURS.kid, "typ": "at+jwt"}),
    "alg empty": unsigned({"alg": "", "kid": OURS.kid, "typ": "at+jwt"}),
    "alg absent": unsigned({"kid": OURS.kid, "typ": "at+jwt"}),
    "alg a number": unsigned({"alg": 1, "kid": OURS.kid, "typ": "at+jwt"}),
    "no signature": unsigned(GOOD_HEADER),
    "zero signature": unsigned(GOOD_HEADER, signature=b"\x00" * 64),
    "HS256 with our public key": forged_with_public_key("HS256"),
    "HS512 with our public key": forged_with_public_key("HS512"),
    "ES256": signed(algorithm="ES256", private=ec.generate_private_key(ec.SECP256R1())),
    "RS256": signed(algorithm="RS256", private=rsa.generate_private_key(65537, 2048)),
    "somebody else's key": signed(key=THEIRS),
    "somebody else's key under our kid": signed(private=THEIRS.private),
    "a key nobody knows": signed(private=ed25519.Ed25519PrivateKey.generate()),
    "kid absent": signed(kid=...),
    "kid empty": signed(kid=""),
    "kid a path": signed(kid="../../../../dev/null"),
    "kid an injection": signed(kid="' OR 1=1 --"),
    "kid a list": unsigned({"alg": "EdDSA", "kid": [OURS.kid], "typ": "at+jwt"}),
    "embedded key": signed(key=THEIRS, kid=OURS.kid, jwk=EMBEDDED),
    "jku": signed(key=THEIRS, jku="http://127.0.0.1/jwks.json"),
    "x5u": signed(key=THEIRS, x5u="http://127.0.0.1/cert.pem"),
    "crit": signed(crit=["exp"]),
    "typ absent": signed(typ=...),
    "typ JWT": signed(typ="JWT"),
    "typ of a join token": signed(typ="join+jwt"),
    "typ in capitals": signed(typ="AT+JWT"),
    "altered subject": altered(signed(), sub="p2"),
    "altered roles": altered(signed(), roles=["player", "admin"]),
    "aud absent": signed(claims(aud=...)),
    "aud of a match": signed(claims(aud="uid/pod")),
    "aud with a tail": signed(claims(aud="matchfleet-api2")),
    "aud a list": signed(claims(aud=["matchfleet-api"])),
    "iss absent and wrong": signed(claims(iss="matchfleet")),
    "iss with a tail": signed(claims(iss="matchfleet-api.example")),
    "iss of the operator": signed(claims(iss="matchfleet-operator")),
    "exp absent": signed(claims(exp=...)),
    "exp a text": resigned_raw(json.dumps(claims(exp="9999999999")).encode()),
    "exp not a number": resigned_raw(json.dumps(claims(exp=float("nan"))).encode()),
    "exp infinite": resigned_raw(json.dumps(claims(exp=float("inf"))).encode()),
    "exp huge": resigned_raw(json.dumps(claims(exp=10**400)).encode()),
    "exp fractional": resigned_raw(json.dumps(claims(exp=NOW_S + 0.5)).encode()),
    "expired": signed(claims(exp=NOW_S - 6)),
    "expired at the edge of the leeway": signed(claims(exp=NOW_S - 5)),
    "issued in the future": signed(claims(iat=NOW_S + 60)),
    "iat absent": signed(claims(iat=...)),
    "sub absent": signed(claims(sub=...)),
    "sub a number": resigned_raw(json.dumps(claims(sub=1)).encode()),
    "jti absent": signed(claims(jti=...)),
    "roles absent": signed(claims(roles=...)),
    "roles a text": signed(claims(roles="admin")),
    "claims a list": resigned_raw(b"[]"),
    "claims a text": resigned_raw(b'"p1"'),
    "claims not JSON": resigned_raw(b"{"),
    "claims not UTF-8": resigned_raw(b"\xff\xfe"),
}
