"""The load's own way to the API server: raw requests and a watch that reads only what it needs.

The load shares its two cores with what it measures, so nothing here may cost much: no client
library, no models of objects, JSON by msgspec straight into a few fields.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import msgspec

from matchfleet_operator.watching.access import Access

MERGE = "application/merge-patch+json"
GROUP = "/apis/matchfleet.dev/v1alpha1"
WATCH_S = 1800
BOOKMARK = "BOOKMARK"

Object = dict[str, Any]


class Meta(msgspec.Struct):
    """What the load reads of an object's metadata."""

    name: str = ""
    uid: str = ""
    resourceVersion: str = ""  # noqa: N815  Kubernetes' own name
    deletionTimestamp: str | None = None  # noqa: N815  Kubernetes' own name


class ServerOf(msgspec.Struct):
    """The server that a Match names."""

    pod: str = ""
    podUID: str = ""  # noqa: N815  Kubernetes' own name


class MatchStatus(msgspec.Struct):
    """What the load reads of a Match's status."""

    phase: str = "Pending"
    server: ServerOf | None = None
    reason: str = ""


class Seen(msgspec.Struct):
    """A Match as the load sees it."""

    metadata: Meta
    status: MatchStatus = msgspec.field(default_factory=MatchStatus)


class Event(msgspec.Struct):
    """One line of a watch."""

    type: str
    object: Seen


class Listed(msgspec.Struct):
    """A list of Matches."""

    metadata: Meta
    items: list[Seen]


Tell = Callable[[str, Seen, float], None]
"""Takes a change (ADDED, MODIFIED, DELETED), the Match, and when it came (perf_counter)."""


class Refused(Exception):
    """The API server said no: `status` is its HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"HTTP {status}: {detail[:300]}")
        self.status = status


class Api:
    """One namespace of one API server."""

    def __init__(self, http: aiohttp.ClientSession, namespace: str) -> None:
        self._http = http
        self.namespace = namespace

    def path(self, plural: str, name: str = "", part: str = "") -> str:
        """Where objects of a kind, one of them, or a part of it are."""
        root = "/api/v1" if plural in {"pods", "nodes"} else GROUP
        root = "/apis/coordination.k8s.io/v1" if plural == "leases" else root
        place = "" if plural == "nodes" else f"/namespaces/{self.namespace}"
        return "/".join(p for p in (f"{root}{place}/{plural}", name, part) if p)

    async def call(self, method: str, path: str, body: Object | None = None) -> bytes:
        """One request; the answer's body.

        Raises:
            Refused: the API server said no.
        """
        data = msgspec.json.encode(body) if body is not None else None
        kind = MERGE if method == "PATCH" else "application/json"
        async with self._http.request(
            method, path, data=data, headers={"Content-Type": kind}
        ) as response:
            text = await response.read()
            if response.status >= 300:
                raise Refused(response.status, text.decode(errors="replace"))
            return text

    async def get(self, plural: str, name: str = "", *, query: str = "") -> Object:
        """An object, or all of a kind."""
        found: Object = msgspec.json.decode(await self.call("GET", self.path(plural, name) + query))
        return found

    async def watch(self, tell: Tell, ready: asyncio.Event) -> None:
        """Tells of every Match and every change to one, until cancelled."""
        listed = msgspec.json.decode(await self.call("GET", self.path("matches")), type=Listed)
        for item in listed.items:
            tell("ADDED", item, time.perf_counter())
        version = listed.metadata.resourceVersion
        while True:
            version = await self._watch_once(tell, version, ready)

    async def _watch_once(self, tell: Tell, version: str, ready: asyncio.Event) -> str:
        query = f"?watch=1&timeoutSeconds={WATCH_S}&resourceVersion={version}"
        decode = msgspec.json.Decoder(Event).decode
        rest = b""
        async with self._http.get(
            self.path("matches") + query, timeout=aiohttp.ClientTimeout(total=None)
        ) as response:
            ready.set()
            async for chunk in response.content.iter_any():
                at = time.perf_counter()
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = decode(line)
                    if event.type == "ERROR":
                        raise Refused(410, line.decode())
                    version = event.object.metadata.resourceVersion
                    tell(event.type, event.object, at)
        return version


def open_session(access: Access) -> aiohttp.ClientSession:
    """A session for `Api`, to be closed by who opens it."""
    tls: ssl.SSLContext | bool = access.tls() or True
    return aiohttp.ClientSession(
        access.server,
        headers={"Authorization": f"Bearer {access.bearer()}", "Accept": "application/json"},
        connector=aiohttp.TCPConnector(ssl=tls, limit=64),
        timeout=aiohttp.ClientTimeout(total=30),
    )
