"""Every refusal of the cluster, as the `Status` body a Kubernetes API server would send.

    ApiError                 code, reason, message, details
      NotFound               404  no such object
        NoSuchPath           404  no such kind; answered in plain text
      AlreadyExists          409  the name is taken
      Conflict               409  stale resourceVersion or failed precondition
      BadRequest             400  a body or query that cannot be understood
      Invalid                422  a body that breaks the rules of its kind; one cause per field
      Forbidden              403  understood, and not allowed
      Expired                410  the version asked for is no longer in the history
      Unauthorized           401  no or wrong token
      MethodNotAllowed       405  the resource has no such verb
      UnsupportedMediaType   415  a patch type the kind does not take
      ServerTimeout          504  a version that does not exist yet
    ClusterError             the process itself cannot start or go on
      BadCrdFile             a file of the CRD folder cannot be used

The messages repeat the real server's wording, because clients and people match on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cause:
    """One broken field.

    Attributes:
        field: dotted path with list indexes, such as `spec.players[0].id`.
        reason: machine word of the API, such as `FieldValueInvalid`.
        message: sentence without the field, such as `Required value`.
    """

    field: str
    reason: str
    message: str

    def sentence(self) -> str:
        """The cause as the API server prints it."""
        return f"{self.field}: {self.message}"


class ClusterError(Exception):
    """The cluster process cannot start or go on."""


class BadCrdFile(ClusterError):
    """A file of the CRD folder is not a usable CustomResourceDefinition."""


class ApiError(Exception):
    """A refusal that has a `Status` body."""

    code = 500
    reason = ""

    def __init__(self, message: str, *, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or {}

    def status(self) -> dict[str, Any]:
        """The `Status` object to send."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            **({"details": self.details} if self.details else {}),
            "code": self.code,
        }


class NotFound(ApiError):
    """404: no such object."""

    code = 404
    reason = "NotFound"


class NoSuchPath(NotFound):
    """404 in plain text: no kind is served at this path."""


class AlreadyExists(ApiError):
    """409: the name is taken."""

    code = 409
    reason = "AlreadyExists"


class Conflict(ApiError):
    """409: the object is not the one the writer saw."""

    code = 409
    reason = "Conflict"


class BadRequest(ApiError):
    """400: not understood."""

    code = 400
    reason = "BadRequest"


class Forbidden(ApiError):
    """403: understood and not allowed."""

    code = 403
    reason = "Forbidden"


class Unauthorized(ApiError):
    """401: no or wrong token."""

    code = 401
    reason = "Unauthorized"


class MethodNotAllowed(ApiError):
    """405: the resource has no such verb."""

    code = 405
    reason = "MethodNotAllowed"


class UnsupportedMediaType(ApiError):
    """415: the patch type is not taken here."""

    code = 415
    reason = "UnsupportedMediaType"


class Expired(ApiError):
    """410: the version is older than the history."""

    code = 410
    reason = "Expired"


class ServerTimeout(ApiError):
    """504: the version does not exist yet."""

    code = 504
    reason = "Timeout"


class Unprocessable(ApiError):
    """422 without fields: a JSON patch that does not apply."""

    code = 422
    reason = "Invalid"


class Invalid(ApiError):
    """422: the object breaks the rules of its kind."""

    code = 422
    reason = "Invalid"

    def __init__(self, kind: str, group: str, name: str, *, causes: Sequence[Cause]) -> None:
        sentences = [cause.sentence() for cause in causes]
        listed = sentences[0] if len(sentences) == 1 else "[" + ", ".join(sentences) + "]"
        qualified = f"{kind}.{group}" if group else kind
        super().__init__(
            f'{qualified} "{name}" is invalid: {listed}',
            details={
                **({"name": name} if name else {}),
                **({"group": group} if group else {}),
                "kind": kind,
                "causes": [
                    {"reason": cause.reason, "message": cause.message, "field": cause.field}
                    for cause in causes
                ],
            },
        )
        self.causes = tuple(causes)
