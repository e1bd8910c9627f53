"""The Kubernetes API in its own words, for tests: paths, bodies, codes and streams, unadorned.

Client libraries hide what a contract is about (status codes, raw watch lines, headers), so the
contract suite speaks HTTP. `Endpoint` is what a test server must offer.
"""

import asyncio
import base64
import contextlib
import json
import pathlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import yaml

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class Endpoint(Protocol):
    """A running API server."""

    @property
    def url(self) -> str:
        """Scheme, host and port."""

    @property
    def token(self) -> str:
        """A bearer token that may do everything."""

    @property
    def kubeconfig(self) -> pathlib.Path:
        """A kubeconfig with the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    code: int
    body: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The resourceVersion of the object or list."""
        return str(self.body["metadata"]["resourceVersion"])

    @property
    def reason(self) -> str:
        """The reason of a Status."""
        return str(self.body["reason"])

    @property
    def fields(self) -> set[str]:
        """The fields that a refusal names."""
        return {cause["field"] for cause in self.body["details"]["causes"]}


class Kube:
    """A session with an API server."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        **query: str,
    ) -> Answer:
        """Any request."""
        headers = {"Accept": accept, "Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        async with self._http.request(
            method, path, data=data, headers=headers, params=query
        ) as response:
            text = await response.text()
            # A path that is not served is answered in plain text.
            answered = json.loads(text) if text.startswith("{") else {"message": text}
            return Answer(response.status, answered, tuple(response.headers.getall("Warning", ())))

    async def get(self, path: str, **query: str) -> Answer:
        """GET."""
        return await self.call("GET", path, **query)

    async def create(self, path: str, body: Any, **query: str) -> Answer:
        """POST."""
        return await self.call("POST", path, body, **query)

    async def made(self, path: str, body: Any) -> dict[str, Any]:
        """POST that must succeed; the stored object."""
        answer = await self.create(path, body)
        assert answer.code == 201, answer.body
        return answer.body

    async def replace(self, path: str, body: Any, **query: str) -> Answer:
        """PUT."""
        return await self.call("PUT", path, body, **query)

    async def merge(self, path: str, body: Any, **query: str) -> Answer:
        """PATCH, JSON merge."""
        return await self.call("PATCH", path, body, content_type=MERGE, **query)

    async def patch(self, path: str, body: Any, content_type: str, **query: str) -> Answer:
        """PATCH of another type."""
        return await self.call("PATCH", path, body, content_type=content_type, **query)

    async def delete(self, path: str, body: Any = None, **query: str) -> Answer:
        """DELETE."""
        return await self.call("DELETE", path, body, **query)

    async def text(self, path: str, **query: str) -> str:
        """GET of something that is no JSON, such as a log."""
        async with self._http.get(path, params=query) as response:
            assert response.status == 200, await response.text()
            return await response.text()

    async def lines(self, path: str, **query: str) -> AsyncIterator[str]:
        """The lines of a log, as they come."""
        async with self._http.get(path, params=query) as response:
            assert response.status == 200, await response.text()
            try:
                async for line in response.content:
                    yield line.decode()
            finally:
                await _cut(response)

    @contextlib.asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator["Watching"]:
        """An open watch."""
        params = {"watch": "true", "timeoutSeconds": "30", **query}
        async with self._http.get(path, params=params) as response:
            assert response.status == 200, await response.text()
            try:
                yield Watching(response)
            finally:
                await _cut(response)


async def _cut(response: aiohttp.ClientResponse) -> None:
    """End a stream that is left in the middle: by cutting, since TLS would wait for the rest."""
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()
    await asyncio.sleep(0)


class Watching:
    """Reads the events of a watch."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self) -> dict[str, Any]:
        """The next event."""
        line = await self._response.content.readline()
        assert line, "the watch ended"
        event: dict[str, Any] = json.loads(line)
        return event

    async def take(self, count: int) -> list[tuple[str, str]]:
        """Type and name of the next events."""
        events = [await self.next() for _ in range(count)]
        return [(event["type"], event["object"]["metadata"]["name"]) for event in events]

    async def rest(self) -> list[dict[str, Any]]:
        """Every event until the server ends the watch."""
        return [json.loads(line) async for line in self._response.content]


def trust(kubeconfig: pathlib.Path) -> ssl.SSLContext | bool:
    """What a kubeconfig says about the server's certificate."""
    cluster = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]
    if "certificate-authority-data" in cluster:
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return ssl.create_default_context(cadata=authority)
    if "certificate-authority" in cluster:
        return ssl.create_default_context(cafile=cluster["certificate-authority"])
    return not cluster.get("insecure-skip-tls-verify", False)


@contextlib.asynccontextmanager
async def session(endpoint: Endpoint) -> AsyncIterator[Kube]:
    """A session with an endpoint."""
    connector = aiohttp.TCPConnector(ssl=trust(endpoint.kubeconfig))
    async with aiohttp.ClientSession(
        base_url=endpoint.url,
        connector=connector,
        headers={"Authorization": f"Bearer {endpoint.token}"},
        timeout=aiohttp.ClientTimeout(total=60),
    ) as http:
        yield Kube(http)
