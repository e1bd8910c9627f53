"""Whose assignments this server believes: the operator's public keys, read again when they change.

A warm server may outlive a rotation, so a token that does not verify is tried once more against
the file as it is now. A mounted ConfigMap is replaced as a whole, so no half file is ever read.
"""

import datetime
from pathlib import Path

from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts import keys, tokens
from matchfleet_gameserver import errors


class OperatorKeys:
    """The keys in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = b""
        self._keys = keys.PublicKeys({})

    def verify(
        self, token: str, *, pod_uid: str, now: datetime.datetime
    ) -> tokens.AssignmentClaims:
        """The claims of an assignment for this pod.

        Raises:
            errors.TokenRefused: not signed by the operator, not for this pod, or out of its time.
        """
        try:
            return self._claims(token, pod_uid=pod_uid, now=now)
        except contract_errors.TokenInvalid as error:
            if not self._reload():
                raise errors.TokenRefused(str(error)) from error
        try:
            return self._claims(token, pod_uid=pod_uid, now=now)
        except contract_errors.TokenInvalid as error:
            raise errors.TokenRefused(str(error)) from error

    def _claims(
        self, token: str, *, pod_uid: str, now: datetime.datetime
    ) -> tokens.AssignmentClaims:
        return tokens.verify(
            token, tokens.AssignmentClaims, public=self._keys, audience=pod_uid, now=now
        )

    def _reload(self) -> bool:
        """Read the file; whether it holds other keys than before."""
        try:
            text = self._path.read_bytes()
            found = keys.decode_public(text)
        except OSError as error:
            raise errors.TokenRefused(f"the operator's keys cannot be read: {error}") from error
        except contract_errors.TokenInvalid as error:
            raise errors.TokenRefused(f"{self._path} holds no keys: {error}") from error
        is_new, self._text, self._keys = text != self._text, text, found
        return is_new
