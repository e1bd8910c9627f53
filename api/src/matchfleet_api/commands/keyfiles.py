"""`keys --directory D`: signing keys, their public halves and the admin token as files.

Only what is absent is made, so that running it again never cuts off tokens that are in use. Private
files are readable by their owner alone. The public sets follow from the private ones and are
written again when they differ, for a rotation is an edit of the private file.
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from matchfleet_contracts import keys

API = "api"
OPERATOR = "operator"
_ADMIN_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Material:
    """A signing key set and its public half, as their files hold them."""

    private: bytes = field(repr=False)
    public: bytes


def new_material() -> Material:
    """A key set of one fresh key."""
    signing = [keys.new_signing_key(os.urandom(keys.SEED_BYTES))]
    return Material(keys.encode_private(signing), keys.encode_public(signing))


def public_half(private: bytes) -> bytes:
    """The public JWK set of a private one."""
    return keys.encode_public(keys.decode_private(private))


def new_admin_token() -> str:
    """An opaque token that opens `/v1/admin`."""
    return secrets.token_urlsafe(_ADMIN_TOKEN_BYTES)


def write(directory: Path) -> list[Path]:
    """Make the files of an install that are absent; returns those that were written."""
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for owner in (API, OPERATOR):
        private = directory / f"{owner}-signing.json"
        if not private.exists():
            _put(private, new_material().private, mode=0o600)
            written.append(private)
        public = directory / f"{owner}-public.json"
        text = public_half(private.read_bytes())
        if not public.exists() or public.read_bytes() != text:
            _put(public, text, mode=0o644)
            written.append(public)
    admin = directory / "admin-token"
    if not admin.exists():
        _put(admin, new_admin_token().encode(), mode=0o600)
        written.append(admin)
    return written


def _put(path: Path, text: bytes, *, mode: int) -> None:
    # A reader never sees half a file, and a private key is at no moment readable by others.
    half = path.with_name(path.name + ".part")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(text)
    half.replace(path)
