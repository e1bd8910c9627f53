"""A thin Kubernetes client on aiohttp: the few verbs the operator uses, on one namespace.

Every request is bounded in time, so that a server that hangs cannot hold up a claim. An answer that
did not come in time may stand for a write that was done; whoever asked finds out by looking.
"""

import asyncio
import time
from typing import Any, Protocol

import aiohttp
import msgspec

from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind, Listing, Object
from matchfleet_operator.acting.turns import Turns, Urgency
from matchfleet_operator.watching.access import Access

_MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"
PAGE_OBJECTS = 500
TOKEN_KEPT_S = 30.0


class Pace(Protocol):
    """Says when one more write may be sent; `bucket` and `fence` do."""

    async def take(self) -> None:
        """Returns when it may.

        Raises:
            errors.NotLeading: it may not at all.
        """
        ...


class Client:
    """The API server as `kube.KubeApi`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: Access,
        *,
        namespace: str,
        writes: Pace,
        timeout_s: float,
        at_once: int = 16,
    ) -> None:
        """`session` speaks TLS as `access` says; see `open_session`. `at_once` bounds requests."""
        self._session = session
        self._access = access
        self._namespace = namespace
        self._writes = writes
        self._turns = Turns(at_once=at_once)
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._token = ""
        self._token_until = 0.0

    async def get(self, kind: Kind, name: str) -> Object:
        """GET without a version: as it is now, by a majority of etcd."""
        await self._turns.take(Urgency.NOW)
        try:
            return await self._call("GET", "get", kind, name)
        finally:
            self._turns.give(Urgency.NOW)

    async def list_all(self, kind: Kind, *, selector: str = "") -> Listing:
        """LIST without a version, in pages of one and the same version."""
        while True:
            try:
                return await self._list_once(kind, selector)
            except errors.Expired:
                # The version of the first page was compacted away; begin again.
                await asyncio.sleep(0)

    async def _list_once(self, kind: Kind, selector: str) -> Listing:
        items: list[Object] = []
        params = {"limit": str(PAGE_OBJECTS)} | ({"labelSelector": selector} if selector else {})
        while True:
            page = await self._call("GET", "list", kind, params=params)
            items.extend(page.get("items") or ())
            more = page["metadata"].get("continue")
            if not more:
                return Listing(items=items, version=int(page["metadata"]["resourceVersion"]))
            params["continue"] = more

    async def create(self, kind: Kind, body: Object) -> Object:
        """POST."""
        return await self._write(
            Urgency.LATER, "POST", "create", kind, body=body, content_type=_JSON
        )

    async def patch(self, kind: Kind, name: str, body: Object, *, part: str = "") -> Object:
        """PATCH by JSON merge (RFC 7396)."""
        urgency = Urgency.LATER if kind == kube.FLEETS else Urgency.NOW
        return await self._write(
            urgency, "PATCH", "patch", kind, name, part=part, body=body, content_type=_MERGE_PATCH
        )

    async def delete(
        self,
        kind: Kind,
        name: str,
        *,
        uid: str,
        version: int | None = None,
        grace_s: int | None = None,
    ) -> Object | None:
        """DELETE with preconditions."""
        preconditions = {"uid": uid}
        if version is not None:
            preconditions["resourceVersion"] = str(version)
        body: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        }
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        answer = await self._write(
            Urgency.LATER, "DELETE", "delete", kind, name, body=body, content_type=_JSON
        )
        return answer if _is_still_there(answer) else None

    async def _write(self, urgency: Urgency, *what: Any, **how: Any) -> Object:
        """A call that waits for its turn first; the time it is given counts from then."""
        await self._turns.take(urgency)
        try:
            # Last, so that whoever may not write any more is stopped in the last moment.
            await self._writes.take()
            return await self._call(*what, **how)
        finally:
            self._turns.give(urgency)

    async def _call(
        self,
        method: str,
        verb: str,
        kind: Kind,
        name: str = "",
        *,
        part: str = "",
        body: Object | None = None,
        content_type: str = "",
        params: dict[str, str] | None = None,
    ) -> Object:
        url = self._url(kind, name, part)
        data = msgspec.json.encode(body) if body is not None else None
        began, code = time.perf_counter(), "none"
        try:
            for is_last in (False, True):
                headers = self._headers(content_type)
                async with self._session.request(
                    method, url, data=data, headers=headers, params=params, timeout=self._timeout
                ) as response:
                    text = await response.read()
                    code = str(response.status)
                    if response.status == 401 and not is_last:
                        self._token_until = 0.0
                        continue
                    return _read(response, text)
            raise AssertionError("the second try either returns or raises")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            detail = str(error) or type(error).__name__
            raise errors.Unreachable(f"{verb} {kind.plural} {name}: {detail}") from error
        finally:
            metrics.API_REQUESTS.labels(verb=verb, resource=kind.plural, code=code).inc()
            metrics.API_SECONDS.labels(verb=verb, resource=kind.plural).observe(
                time.perf_counter() - began
            )

    def _url(self, kind: Kind, name: str, part: str) -> str:
        place = f"/namespaces/{self._namespace}" if kind.is_namespaced else ""
        path = f"{self._access.server}/{kind.path}{place}/{kind.plural}"
        return "/".join(p for p in (path, name, part) if p)

    def _headers(self, content_type: str) -> dict[str, str]:
        headers = {"Accept": _JSON, "User-Agent": "matchfleet-operator"}
        if content_type:
            headers["Content-Type"] = content_type
        if token := self._bearer():
            headers["Authorization"] = f"Bearer {token}"
        return headers

    def _bearer(self) -> str:
        now = time.monotonic()
        if now >= self._token_until:
            self._token = self._access.bearer()
            self._token_until = now + TOKEN_KEPT_S
        return self._token


def open_session(access: Access, *, connections: int) -> aiohttp.ClientSession:
    """A session for `Client`, to be closed by who opens it."""
    tls = access.tls()
    connector = aiohttp.TCPConnector(limit=connections, ssl=True if tls is None else tls)
    return aiohttp.ClientSession(connector=connector)


def _read(response: aiohttp.ClientResponse, text: bytes) -> Object:
    try:
        body: Any = msgspec.json.decode(text) if text else {}
    except msgspec.DecodeError:
        body = {"message": text[:512].decode(errors="replace")}
    if response.status < 400 and isinstance(body, dict):
        return body
    told = body if isinstance(body, dict) else {}
    raise errors.of_status(
        response.status,
        str(told.get("reason", "")),
        str(told.get("message", "")),
        retry_after_s=_seconds(response.headers.get("Retry-After", "")),
    )


def _seconds(text: str) -> float:
    return float(text) if text.isdigit() else 1.0


def _is_still_there(answer: Object) -> bool:
    """Whether a deleted object still has to stop, or is held by a finalizer."""
    meta = answer.get("metadata") or {}
    if answer.get("kind") == "Status" or "deletionTimestamp" not in meta:
        return False
    return bool(meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"))
