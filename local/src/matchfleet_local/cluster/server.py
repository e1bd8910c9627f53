"""The HTTP face of the cluster: URLs, tokens, content types and streams. It decides nothing.

Every resource request becomes one value for the store, every refusal its `Status` body.
"""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec
import prometheus_client
import structlog
import yaml
from aiohttp import web

from matchfleet_local.cluster import (
    discovery,
    errors,
    kinds,
    patches,
    paths,
    querying,
    requests,
    tables,
    views,
    watching,
)
from matchfleet_local.cluster.history import Event, EventType
from matchfleet_local.cluster.live import Live

T = TypeVar("T")

log = structlog.get_logger(__name__)

_OPEN_PATHS = frozenset({"/livez", "/readyz", "/healthz", "/version", "/metrics"})
_WRITABLE_SUBRESOURCES = frozenset({"status", "scale"})
_MAX_BODY_BYTES = 3 * 1024 * 1024
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class PodLogs(Protocol):
    """Where the output of pods is."""

    def read(
        self, pod: Mapping[str, Any], *, tail: int | None, follow: bool
    ) -> AsyncIterator[bytes]:
        """The output of a pod's container, and what it goes on writing."""


class Metrics:
    """Counts of requests, under the names of kube-apiserver, so one budget test reads both."""

    def __init__(self) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self.total = prometheus_client.Counter(
            "apiserver_request",
            "Requests by verb, resource and answer.",
            ("verb", "group", "version", "resource", "subresource", "code"),
            registry=self.registry,
        )
        self.seconds = prometheus_client.Histogram(
            "apiserver_request_duration_seconds",
            "Time to answer, watches excluded.",
            ("verb", "resource"),
            registry=self.registry,
            buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5),
        )


class Api:
    """The aiohttp application's handlers."""

    def __init__(
        self,
        live: Live,
        logs: PodLogs,
        *,
        token: str,
        bookmark_every_s: float,
    ) -> None:
        self._live = live
        self._logs = logs
        self._token = token
        self._bookmark_every_s = bookmark_every_s
        self._metrics = Metrics()
        self._closing = asyncio.Event()

    def application(self) -> web.Application:
        """The application to serve."""
        app = web.Application(middlewares=[self._guard], client_max_size=_MAX_BODY_BYTES)
        for path in ("/livez", "/readyz", "/healthz"):
            app.router.add_get(path, _healthy)
        app.router.add_get("/version", _version)
        app.router.add_get("/metrics", self._show_metrics)
        app.router.add_get("/api", _api)
        app.router.add_get("/apis", self._groups)
        app.router.add_get("/api/{version}", self._resources)
        app.router.add_get("/apis/{group}", self._group)
        app.router.add_get("/apis/{group}/{version}", self._resources)
        app.router.add_get("/openapi/v3", self._openapi_index)
        app.router.add_get("/openapi/v3/{base:api}/{version}", self._openapi)
        app.router.add_get("/openapi/v3/{base:apis}/{group}/{version}", self._openapi)
        app.router.add_post(_REVIEWS, _access_review)
        app.router.add_route("*", "/{path:.*}", self._resource)
        return app

    def close_streams(self) -> None:
        """End every open watch, so that the server can stop."""
        self._closing.set()

    # ---- around every request ---------------------------------------------------------------

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        try:
            self._check_token(request)
            return await handler(request)
        except errors.NoSuchPath as error:
            return web.Response(text=error.message, status=error.code)
        except errors.ApiError as error:
            return _json(error.status(), status=error.code)
        except web.HTTPException as error:
            refusal = errors.BadRequest(error.reason)
            return _json(refusal.status() | {"code": error.status}, status=error.status)

    def _check_token(self, request: web.Request) -> None:
        if request.path in _OPEN_PATHS:
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(token.encode(), self._token.encode()):
            raise errors.Unauthorized("Unauthorized")

    # ---- discovery --------------------------------------------------------------------------

    async def _groups(self, _request: web.Request) -> web.Response:
        return _json(discovery.group_list(self._live.store.kinds.all()))

    async def _group(self, request: web.Request) -> web.Response:
        group = request.match_info["group"]
        return _json(_found(discovery.group(group, self._live.store.kinds.all())))

    async def _resources(self, request: web.Request) -> web.Response:
        group, version = request.match_info.get("group", ""), request.match_info["version"]
        served = self._live.store.kinds.all()
        return _json(_found(discovery.resource_list(group, version, served)))

    async def _openapi_index(self, _request: web.Request) -> web.Response:
        return _json(discovery.openapi_index(self._live.store.kinds.all()))

    async def _openapi(self, request: web.Request) -> web.Response:
        group, version = request.match_info.get("group", ""), request.match_info["version"]
        return _json(discovery.openapi(group, version, self._live.store.kinds.all()))

    async def _show_metrics(self, _request: web.Request) -> web.Response:
        body = prometheus_client.generate_latest(self._metrics.registry)
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4"})

    # ---- resources --------------------------------------------------------------------------

    async def _resource(self, request: web.Request) -> web.StreamResponse:
        target = _found(paths.parse(request.path))
        kind = _found(self._live.store.kinds.find(target.group, target.version, target.plural))
        verb = _verb(request, target)
        code, began = 500, time.perf_counter()
        try:
            response = await self._dispatch(request, target, kind, verb)
            code = response.status
        except errors.ApiError as error:
            code = error.code
            raise
        finally:
            labels = (kind.group, kind.version, kind.plural, target.subresource, str(code))
            self._metrics.total.labels(verb, *labels).inc()
            if verb != "WATCH":
                elapsed = time.perf_counter() - began
                self._metrics.seconds.labels(verb, kind.plural).observe(elapsed)
        return response

    async def _dispatch(
        self, request: web.Request, target: paths.Target, kind: kinds.Kind, verb: str
    ) -> web.StreamResponse:
        query = request.query
        if verb == "WATCH":
            watch = querying.watch(kind, target.namespace, query, name=target.name)
            return await self._stream(request, watch)
        if target.subresource == "log" and kind == kinds.PODS and request.method == "GET":
            return await self._log(request, target)
        asked = await self._read(request, target, kind)
        if verb == "LIST":
            querying.check_list(query, version=self._live.store.version)
        reply = self._live.apply(asked)
        return self._answer(request, kind, reply)

    async def _read(
        self, request: web.Request, target: paths.Target, kind: kinds.Kind
    ) -> requests.Request:
        _check_subresource(target, kind)
        query, method, sub = request.query, request.method, target.subresource
        ref = requests.Ref(kind, target.namespace, target.name)
        if not target.name:
            return await self._read_collection(request, target, kind)
        if method == "GET":
            return requests.Get(ref, sub)
        if method == "PUT":
            options = querying.write_options(query)
            return requests.Replace(ref, await _object(request), sub, options)
        if method == "PATCH":
            patch = patches.Patch(request.content_type, await _body(request))
            return requests.Amend(ref, patch, sub, querying.write_options(query))
        if method == "DELETE" and not sub:
            return requests.Delete(ref, querying.delete_options(query, await _object(request)))
        raise errors.MethodNotAllowed(
            "the server does not allow this method on the requested resource"
        )

    async def _read_collection(
        self, request: web.Request, target: paths.Target, kind: kinds.Kind
    ) -> requests.Request:
        query, method, namespace = request.query, request.method, target.namespace
        if method == "GET":
            return requests.List(kind, namespace, querying.selector(kind, query))
        if method == "POST" and (namespace or not kind.namespaced):
            body = await _object(request)
            return requests.Create(kind, namespace, body, querying.write_options(query))
        if method == "DELETE":
            return requests.DeleteCollection(
                kind,
                namespace,
                querying.selector(kind, query),
                querying.delete_options(query, await _object(request)),
            )
        raise errors.MethodNotAllowed(
            "the server does not allow this method on the requested resource"
        )

    def _answer(
        self, request: web.Request, kind: kinds.Kind, reply: requests.Reply
    ) -> web.Response:
        form = querying.form(request.headers.get("Accept", ""), request.query)
        body = reply.body
        if form.shape and body["kind"] != "Status":
            items = reply.items if reply.items is not None else (body,)
            version = str(body["metadata"].get("resourceVersion", ""))
            if form.shape == "Table" and body["kind"] != "Scale":
                body = tables.table(
                    kind, items, now=self._live.clock(), version=version, include=form.include
                )
            elif form.shape == "PartialObjectMetadata":
                body = views.partial(body) if reply.items is None else _partial_list(items, version)
        response = _json(body, status=reply.code)
        for warning in reply.warnings:
            escaped = warning.replace("\\", "\\\\").replace('"', '\\"')
            response.headers.add("Warning", f'299 - "{escaped}"')
        return response

    async def _log(self, request: web.Request, target: paths.Target) -> web.StreamResponse:
        ref = requests.Ref(kinds.PODS, target.namespace, target.name)
        pod = self._live.apply(requests.Get(ref)).body
        if querying.truth(request.query, "previous"):
            raise errors.BadRequest(f'previous terminated container in pod "{ref.name}" not found')
        tail = request.query.get("tailLines", "")
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        lines = self._logs.read(
            pod,
            tail=int(tail) if tail.isdigit() else None,
            follow=querying.truth(request.query, "follow"),
        )
        async for chunk in lines:
            await response.write(chunk)
            if self._closing.is_set():
                break
        await response.write_eof()
        return response

    # ---- watches ----------------------------------------------------------------------------

    async def _stream(self, request: web.Request, watch: watching.Watch) -> web.StreamResponse:
        form = querying.form(request.headers.get("Accept", ""), request.query)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        # An empty write sends the headers now: a client may wait for them before it changes things.
        await response.write(b"")
        pump = asyncio.ensure_future(self._pump(response, watch, form))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait((pump, closing), return_when=asyncio.FIRST_COMPLETED)
            if pump.done():
                pump.result()
        except ConnectionError:
            log.debug("watch_closed_by_client", kind=watch.kind.plural)
        finally:
            pump.cancel()
            closing.cancel()
            await asyncio.gather(pump, closing, return_exceptions=True)
        return response

    async def _pump(
        self, response: web.StreamResponse, watch: watching.Watch, form: querying.Form
    ) -> None:
        first = True
        batches = watching.events(watch, self._live, bookmark_every_s=self._bookmark_every_s)
        async for batch in batches:
            lines = []
            for event in batch:
                lines.append(self._line(event, watch.kind, form, first=first))
                first = False
            if lines:
                await response.write(b"".join(lines))
        await response.write_eof()

    def _line(self, event: Event, kind: kinds.Kind, form: querying.Form, *, first: bool) -> bytes:
        obj = event.obj
        if event.type not in {EventType.ERROR, EventType.BOOKMARK}:
            obj = views.shown(kind, obj)
            if form.shape == "Table":
                obj = tables.table(
                    kind,
                    (obj,),
                    now=self._live.clock(),
                    version="",
                    include=form.include,
                    with_columns=first,
                )
            elif form.shape == "PartialObjectMetadata":
                obj = views.partial(obj)
        return msgspec.json.encode({"type": str(event.type), "object": obj}) + b"\n"


def _partial_list(items: tuple[dict[str, Any], ...], version: str) -> dict[str, Any]:
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "items": [views.partial(item) for item in items],
    }


def _verb(request: web.Request, target: paths.Target) -> str:
    """The verb as kube-apiserver's metrics name it."""
    if request.method == "GET" and querying.truth(request.query, "watch"):
        return "WATCH"
    if not target.name:
        by_method = {"GET": "LIST", "DELETE": "DELETECOLLECTION"}
        return by_method.get(request.method, request.method)
    return request.method


def _check_subresource(target: paths.Target, kind: kinds.Kind) -> None:
    sub = target.subresource
    if not sub:
        return
    served = (sub == "status" and kind.status) or (sub == "scale" and kind.scale is not None)
    if sub not in _WRITABLE_SUBRESOURCES or not served:
        raise errors.NotFound("the server could not find the requested resource")


def _found(value: T | None) -> T:
    if value is None:
        raise errors.NoSuchPath("404 page not found")
    return value


async def _body(request: web.Request) -> Any:
    raw = await request.read()
    if not raw.strip():
        return {}
    try:
        if "yaml" in request.content_type:
            return yaml.safe_load(raw)
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, yaml.YAMLError) as error:
        raise errors.BadRequest(f"the body of the request cannot be decoded: {error}") from error


async def _object(request: web.Request) -> dict[str, Any]:
    if "protobuf" in request.content_type:
        raise errors.UnsupportedMediaType(
            "protobuf is not served here: write the object as a manifest and use kubectl apply -f"
        )
    body = await _body(request)
    if not isinstance(body, dict):
        raise errors.BadRequest("the body of the request must be an object")
    return body


def _json(body: Mapping[str, Any], *, status: int = 200) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json"
    )


async def _healthy(_request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _version(_request: web.Request) -> web.Response:
    return _json(discovery.SERVER_VERSION)


async def _api(_request: web.Request) -> web.Response:
    return _json(discovery.api_versions())


async def _access_review(request: web.Request) -> web.Response:
    body = await _object(request)
    return _json({**body, "status": {"allowed": True}}, status=201)
