"""Our signing keys, read again when their file changes: a rotation needs no restart.

The file is looked at once a second at most. A file that cannot be read or does not hold keys leaves
the keys that were read last: a bad rotation must not log everybody out.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from matchfleet_api import errors
from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts import keys

log = structlog.get_logger(__name__)
_LOOK_PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Keys:
    """One reading of the file: the first key signs, all verify."""

    signing: keys.SigningKey = field(repr=False)
    public: keys.PublicKeys
    jwks: bytes


class Keyring:
    """The keys of one file."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            errors.KeysInvalid: it cannot be read or holds no signing key.
        """
        self._path = path
        self._looked_at = time.monotonic()
        try:
            self._stamp = self._stat()
            self._keys = _read(path)
        except (OSError, contract_errors.TokenInvalid, ValueError) as error:
            raise errors.KeysInvalid(
                f"MATCHFLEET_API_SIGNING_KEYS: {path}: {error}: "
                "`python -m matchfleet_api keys` makes one"
            ) from error

    def current(self) -> Keys:
        """The keys now."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_PERIOD_S:
            self._looked_at = now
            self._reread()
        return self._keys

    def _reread(self) -> None:
        try:
            stamp = self._stat()
            if stamp == self._stamp:
                return
            self._keys = _read(self._path)
            self._stamp = stamp
        except (OSError, contract_errors.TokenInvalid, ValueError) as error:
            log.warning("signing_keys_unreadable", path=str(self._path), error=str(error))
        else:
            log.info("signing_keys_read", kid=self._keys.signing.kid)

    def _stat(self) -> tuple[int, int, int]:
        # A mounted Secret is a link that is swapped, so its inode changes with it.
        found = self._path.stat()
        return found.st_mtime_ns, found.st_ino, found.st_size


def _read(path: Path) -> Keys:
    signing = keys.decode_private(path.read_bytes())
    jwks = keys.encode_public(signing)
    return Keys(signing[0], keys.decode_public(jwks), jwks)
