"""Tokens: who may call the API, who may take a seat, and what a server is told to play.

All are JWTs signed with EdDSA (RFC 8037) by the one process that owns the key; `typ` keeps the
kinds apart (RFC 8725, 3.11). Every claim is required, the audience is matched exactly, and the time
is an argument, so that a refused token can be refused again from a log.

    access      api -> api            audience `matchfleet-api`, 10 minutes
    join        api -> game server    audience `<match uid>/<pod uid>`, at most 60 seconds, once
    assignment  operator -> server    audience the pod's UID, at most 60 seconds
"""

import datetime
from typing import Any, TypeVar

import jwt
import msgspec

from matchfleet_contracts import errors, keys
from matchfleet_contracts.resources import MatchSpec

ACCESS_AUDIENCE = "matchfleet-api"
ACCESS_SECONDS = 600
JOIN_SECONDS = 60
ASSIGNMENT_SECONDS = 60
LEEWAY_SECONDS = 5
MAX_TOKEN_BYTES = 65_536


class AccessClaims(msgspec.Struct, frozen=True):
    """A logged-in player. `roles` holds `player`, `service` or `admin`."""

    sub: str
    aud: str
    iat: int
    exp: int
    jti: str
    roles: list[str]
    iss: str = "matchfleet-api"


class JoinClaims(msgspec.Struct, frozen=True):
    """The right to one seat of one incarnation of a match; `name` is shown to the others."""

    sub: str
    aud: str
    iat: int
    exp: int
    jti: str
    seat: int
    name: str
    iss: str = "matchfleet-api"


class AssignmentClaims(msgspec.Struct, frozen=True):
    """What one server plays: sent by the operator to the pod, which remembers only the first.

    Attributes:
        aud: UID of the pod.
        match: name of the Match.
        match_uid: UID of the Match: its incarnation.
        spec: the Match's spec.
        api_jwks: api's public keys now, as a JWK set in JSON: a warm pod may outlive a rotation.
    """

    aud: str
    iat: int
    exp: int
    jti: str
    match: str
    match_uid: str
    spec: MatchSpec
    api_jwks: str
    iss: str = "matchfleet-operator"


Claims = AccessClaims | JoinClaims | AssignmentClaims
C = TypeVar("C", AccessClaims, JoinClaims, AssignmentClaims)
_TYP = {
    AccessClaims: "at+jwt",
    JoinClaims: "join+jwt",
    AssignmentClaims: "assignment+jwt",
}
_ISSUER = {
    AccessClaims: "matchfleet-api",
    JoinClaims: "matchfleet-api",
    AssignmentClaims: "matchfleet-operator",
}


def join_audience(match_uid: str, pod_uid: str) -> str:
    """The audience of a join token: one incarnation of a match on one pod."""
    return f"{match_uid}/{pod_uid}"


def sign(claims: Claims, key: keys.SigningKey) -> str:
    """The compact JWT of `claims`."""
    payload: dict[str, Any] = msgspec.to_builtins(claims)
    headers = {"kid": key.kid, "typ": _TYP[type(claims)]}
    return jwt.encode(payload, key.private, algorithm="EdDSA", headers=headers)


def verify(
    token: str,
    kind: type[C],
    *,
    public: keys.PublicKeys,
    audience: str,
    now: datetime.datetime,
) -> C:
    """The claims of a token of this `kind` for this `audience`, valid at `now`.

    Raises:
        errors.TokenInvalid: whatever is wrong; the message says what, for the log.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise errors.TokenInvalid(f"longer than {MAX_TOKEN_BYTES} bytes")
    header = _header(token)
    if header.get("typ") != _TYP[kind]:
        raise errors.TokenInvalid(f"typ is {header.get('typ')!r}, not {_TYP[kind]!r}")
    if "crit" in header:
        raise errors.TokenInvalid("critical extensions are not understood")
    kid = header.get("kid")
    key = public.by_kid.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise errors.TokenInvalid("signed with an unknown key")
    try:
        # Times are checked below against `now`; audience and issuer are matched exactly there too.
        payload = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            options={
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
        claims = msgspec.convert(payload, kind)
    except (jwt.PyJWTError, msgspec.ValidationError, ValueError, RecursionError) as error:
        raise errors.TokenInvalid(str(error)) from error
    _check(claims, kind, audience=audience, now_s=now.timestamp())
    return claims


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise errors.TokenInvalid(str(error)) from error


def _check(claims: Claims, kind: type[Claims], *, audience: str, now_s: float) -> None:
    if claims.iss != _ISSUER[kind]:
        raise errors.TokenInvalid(f"issued by {claims.iss!r}")
    if claims.aud != audience:
        raise errors.TokenInvalid(f"for {claims.aud!r}, not {audience!r}")
    if claims.iat > now_s + LEEWAY_SECONDS:
        raise errors.TokenInvalid("issued in the future")
    if claims.exp <= now_s - LEEWAY_SECONDS:
        raise errors.TokenInvalid("expired")
