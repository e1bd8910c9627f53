"""Requests and answers of the REST API as values, and the socket that carries them.

`Transport` is the port that `api` states; tests give it answers from a table, the command gives it
`AiohttpTransport`.
"""

import ssl
import types
from dataclasses import dataclass, field
from typing import Protocol, Self

import aiohttp

from matchfleet_client import errors


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` begins with a slash, `query` is appended to it."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; `retry_after_s` is what the server asked for, if it did."""

    status: int
    body: bytes = b""
    retry_after_s: float | None = None


class Transport(Protocol):
    """Carries one request; raises `errors.Unreachable` when no whole answer came."""

    async def send(self, request: Request) -> Response:
        """The answer to `request`."""
        ...


class AiohttpTransport:
    """HTTP over one pool of connections, shared by all the players of a process.

    Args:
        base_url: the API's address, for example `http://127.0.0.1:8000`.
        timeout_s: how long one request may take in all.
        tls: whom to trust at an `https` address; without it, the system's authorities.
    """

    def __init__(
        self, base_url: str, *, timeout_s: float = 10.0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._tls: ssl.SSLContext | bool = tls or True
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()
        self._session = None

    async def send(self, request: Request) -> Response:
        """The answer to `request`."""
        if self._session is None:
            raise AssertionError("the transport is used inside `async with` only")
        headers = {"Accept": "application/json"}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.token is not None:
            headers["Authorization"] = f"Bearer {request.token}"
        try:
            async with self._session.request(
                request.method,
                self.base_url + request.path,
                params=request.query,
                data=request.body,
                headers=headers,
                allow_redirects=False,
                ssl=self._tls,
            ) as answer:
                body = await answer.read()
                return Response(answer.status, body, _seconds(answer.headers.get("Retry-After")))
        except TimeoutError as error:
            raise errors.Unreachable(self.base_url, "no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise errors.Unreachable(self.base_url, str(error) or type(error).__name__) from error


def _seconds(retry_after: str | None) -> float | None:
    # The other form, a date, is not used by our API and is treated as absent.
    if retry_after is None or not retry_after.isdigit():
        return None
    return float(retry_after)
