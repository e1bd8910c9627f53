"""Signing keys and their public halves: Ed25519 as JSON Web Keys (RFC 8037, RFC 7517).

A key set's first key signs; every key verifies. The key id is the RFC 7638 thumbprint, so it never
has to be invented. A private set is a file in a Secret, a public set a file in a ConfigMap and
`/.well-known/jwks.json`.
"""

import base64
import hashlib
from dataclasses import dataclass, field

import msgspec
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from matchfleet_contracts import errors

SEED_BYTES = 32


class Jwk(msgspec.Struct, frozen=True, omit_defaults=True):
    """An Ed25519 JSON Web Key; `d` is present in private keys only. Values are base64url."""

    x: str
    kid: str
    d: str | None = None
    kty: str = msgspec.field(default="OKP")
    crv: str = msgspec.field(default="Ed25519")
    alg: str = "EdDSA"
    use: str = "sig"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key that signs now."""

    kid: str
    private: ed25519.Ed25519PrivateKey = field(repr=False)
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """Public keys by key id."""

    by_kid: dict[str, ed25519.Ed25519PublicKey]


def new_signing_key(seed: bytes) -> SigningKey:
    """The signing key of a 32-byte seed, which the caller draws from a secure source."""
    if len(seed) != SEED_BYTES:
        raise ValueError(f"an Ed25519 seed has {SEED_BYTES} bytes, not {len(seed)}")
    private = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return SigningKey(kid=_thumbprint(private.public_key()), private=private, seed=seed)


def encode_private(signing_keys: list[SigningKey]) -> bytes:
    """A private JWK set; the first key is the one that signs."""
    return _encode_set(
        [
            Jwk(x=_public_text(k.private.public_key()), kid=k.kid, d=_b64(k.seed))
            for k in signing_keys
        ]
    )


def encode_public(signing_keys: list[SigningKey]) -> bytes:
    """The public JWK set of the same keys."""
    return _encode_set(
        [Jwk(x=_public_text(k.private.public_key()), kid=k.kid) for k in signing_keys]
    )


def decode_private(text: bytes) -> list[SigningKey]:
    """The signing keys of a private JWK set, the one that signs first."""
    found = [new_signing_key(_unb64(k.d)) for k in _decode_set(text) if k.d is not None]
    if not found:
        raise errors.TokenInvalid("the key set holds no private key")
    return found


def decode_public(text: bytes) -> PublicKeys:
    """The public keys of a JWK set; private parts, if any, are not read."""
    return PublicKeys(
        {k.kid: ed25519.Ed25519PublicKey.from_public_bytes(_unb64(k.x)) for k in _decode_set(text)}
    )


class _JwkSet(msgspec.Struct, frozen=True):
    keys: list[Jwk]


def _encode_set(jwks: list[Jwk]) -> bytes:
    # omit_defaults would drop kty and crv, which RFC 7517 requires.
    return msgspec.json.encode(
        {
            "keys": [
                {"kty": k.kty, "crv": k.crv, "alg": k.alg, "use": k.use, "kid": k.kid, "x": k.x}
                | ({"d": k.d} if k.d is not None else {})
                for k in jwks
            ]
        }
    )


def _decode_set(text: bytes) -> list[Jwk]:
    try:
        jwks = msgspec.json.decode(text, type=_JwkSet).keys
    except msgspec.DecodeError as error:
        raise errors.TokenInvalid(f"not a JWK set: {error}") from error
    if any((k.kty, k.crv) != ("OKP", "Ed25519") for k in jwks):
        raise errors.TokenInvalid("only Ed25519 keys are used")
    return jwks


def _public_text(key: ed25519.Ed25519PublicKey) -> str:
    return _b64(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _thumbprint(key: ed25519.Ed25519PublicKey) -> str:
    required = msgspec.json.encode({"crv": "Ed25519", "kty": "OKP", "x": _public_text(key)})
    return _b64(hashlib.sha256(required).digest())


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise errors.TokenInvalid("a key is not base64url") from error
