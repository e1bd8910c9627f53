"""What can go wrong between the operator and what it talks to.

OperatorError
 +-- SettingsWrong      the process cannot start like this; the message says what to change
 +-- NotLeading         another replica leads, or nobody; nothing was done
 +-- Unreadable         an object of the API server is not what its schema says
 +-- ApiError           the API server did not do what it was asked to
      +-- Unreachable   no answer, or not in time; it may have been done all the same
      +-- Unauthorized  401: who we are is not known; the token is read again
      +-- Refused       400, 403, 405, 422: it will say the same again until somebody acts
      +-- NotFound      404: no such object
      +-- Conflict      409: it is not the object, or the version, that was seen
      +-- AlreadyExists 409 with that reason: the name is taken
      +-- Expired       410: too old a version was asked for
      +-- Throttled     429: come back in `retry_after_s`
      +-- ServerFailed  5xx: its own trouble
"""


class OperatorError(Exception):
    """Root of this package's errors."""


class SettingsWrong(OperatorError):
    """The process cannot start like this; the message says what to change."""


class NotLeading(OperatorError):
    """Another replica leads, or nobody; nothing was done."""

    def __init__(self) -> None:
        super().__init__("this replica does not lead: the key waits for its turn")


class Unreadable(OperatorError):
    """An object of the API server is not what its schema says."""

    def __init__(self, *, kind: str, name: str, detail: str) -> None:
        self.kind = kind
        self.name = name
        super().__init__(f"{kind} {name} cannot be read: {detail}")


class ApiError(OperatorError):
    """The API server did not do what it was asked to."""

    def __init__(self, message: str, *, status: int = 0, retry_after_s: float = 0.0) -> None:
        self.status = status
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Unreachable(ApiError):
    """No answer, or not in time; what was asked for may have been done all the same."""


class Unauthorized(ApiError):
    """401: who we are is not known."""


class Refused(ApiError):
    """400, 403, 405 or 422: it will say the same again until somebody acts."""


class NotFound(ApiError):
    """404: no such object."""


class Conflict(ApiError):
    """409: it is not the object, or the version, that was seen."""


class AlreadyExists(Conflict):
    """409: the name is taken."""


class Expired(ApiError):
    """410: too old a version was asked for."""


class Throttled(ApiError):
    """429: come back in `retry_after_s`."""


class ServerFailed(ApiError):
    """5xx: the API server's own trouble."""


_BY_STATUS: dict[int, type[ApiError]] = {
    401: Unauthorized,
    404: NotFound,
    409: Conflict,
    410: Expired,
    429: Throttled,
}


def of_status(status: int, reason: str, message: str, *, retry_after_s: float = 0.0) -> ApiError:
    """The error of an HTTP answer and of the `reason` in its Status object."""
    kind = _BY_STATUS.get(status, ServerFailed if status >= 500 else Refused)
    if kind is Conflict and reason == "AlreadyExists":
        kind = AlreadyExists
    return kind(message or reason or f"HTTP {status}", status=status, retry_after_s=retry_after_s)
