"""Matches on a real API server, through `kubernetes.aio`.

Every request has a deadline. A watch asks the server to end it regularly and carries on from where
it was; when that place is lost, or anything is odd, it lists again.
"""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from kubernetes.aio import client, watch

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import matches
from matchfleet_contracts import resources
from matchfleet_contracts.ids import MatchName, MatchUid

_GONE = 410


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """How long a request and one stretch of a watch may take."""

    request_timeout_s: float = 5.0
    watch_timeout_s: int = 240
    """The server ends a stretch after this; ten seconds later we do."""


class ClusterMatches:
    """The port `matches.Matches` on a real API server."""

    def __init__(
        self,
        api_client: client.ApiClient,
        namespace: str,
        *,
        settings: ClusterSettings | None = None,
    ) -> None:
        self._custom = client.CustomObjectsApi(api_client)
        self._core = client.CoreV1Api(api_client)
        self._settings = settings or ClusterSettings()
        self._namespace = namespace
        self._where: dict[str, Any] = {
            "group": resources.GROUP,
            "version": resources.VERSION,
            "namespace": namespace,
            "plural": matches.PLURAL,
        }

    async def create(
        self, name: MatchName, *, spec: Mapping[str, Any], annotations: Mapping[str, str]
    ) -> matches.MatchResource:
        """See the port."""
        body = {
            "apiVersion": resources.API_VERSION,
            "kind": "Match",
            "metadata": {"name": name, "annotations": dict(annotations)},
            "spec": dict(spec),
        }
        with _told(exists=True):
            made: Any = await self._custom.create_namespaced_custom_object(
                **self._where, body=body, _request_timeout=self._settings.request_timeout_s
            )
        return matches.decode_match(made)

    async def get(self, name: MatchName) -> matches.MatchResource:
        """See the port."""
        with _told():
            found: Any = await self._custom.get_namespaced_custom_object(
                **self._where, name=name, _request_timeout=self._settings.request_timeout_s
            )
        return matches.decode_match(found)

    async def snapshot(self) -> list[matches.MatchResource]:
        """See the port."""
        found, _ = await self._list()
        return found

    async def watch(self) -> AsyncIterator[matches.WatchEvent]:
        """See the port."""
        while True:
            found, version = await self._list()
            yield matches.Listed(tuple(found))
            with contextlib.suppress(_PlaceLost):
                while True:
                    async with contextlib.aclosing(self._stretch(version)) as stretch:
                        async for event, version in stretch:  # noqa: B007 - kept for the next one
                            if event is not None:
                                yield event

    async def cancel(self, name: MatchName) -> None:
        """See the port."""
        with _told():
            await self._custom.patch_namespaced_custom_object(
                **self._where,
                name=name,
                body={"spec": {"desired": resources.Desired.CANCEL.value}},
                _request_timeout=self._settings.request_timeout_s,
            )

    async def delete(self, name: MatchName, *, uid: MatchUid, resource_version: str) -> None:
        """See the port."""
        options = client.V1DeleteOptions(
            preconditions=client.V1Preconditions(uid=uid, resource_version=resource_version)
        )
        with _told():
            await self._custom.delete_namespaced_custom_object(
                **self._where,
                name=name,
                body=options,
                _request_timeout=self._settings.request_timeout_s,
            )

    async def servers(self) -> list[matches.ServerPod]:
        """See the port."""
        with _told():
            answer = await self._core.list_namespaced_pod_without_preload_content(
                self._namespace,
                label_selector=resources.LABEL_FLEET,
                _request_timeout=self._settings.request_timeout_s,
            )
            async with answer:
                if answer.status >= 400:
                    raise client.ApiException(status=answer.status, reason=await answer.text())
                found = await answer.json()
        return [matches.decode_server(pod) for pod in found["items"]]

    async def _list(self) -> tuple[list[matches.MatchResource], str]:
        with _told():
            found: Any = await self._custom.list_namespaced_custom_object(
                **self._where, _request_timeout=self._settings.request_timeout_s
            )
        version: str = found["metadata"]["resourceVersion"]
        return [matches.decode_match(raw) for raw in found["items"]], version

    async def _stretch(self, version: str) -> AsyncGenerator[tuple[matches.WatchEvent | None, str]]:
        """Events after `version`, each with the version to go on from, until the server ends it."""
        watcher: Any = watch.Watch()  # type: ignore[no-untyped-call]
        stream = watcher.stream(
            self._custom.list_namespaced_custom_object,
            **self._where,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=self._settings.watch_timeout_s,
            _request_timeout=self._settings.watch_timeout_s + 10,
        )
        try:
            with _told():
                async for raw in stream:
                    after = raw["raw_object"]["metadata"]["resourceVersion"]
                    yield _event(raw["type"], raw["raw_object"]), after
        finally:
            await watcher.close()


class _PlaceLost(Exception):
    """The version a watch wants to go on from is no longer kept."""


def _event(kind: str, raw: Mapping[str, Any]) -> matches.WatchEvent | None:
    match kind:
        case "ADDED" | "MODIFIED":
            return matches.Changed(matches.decode_match(raw))
        case "DELETED":
            return matches.Removed(matches.decode_match(raw))
        case _:
            return None


@contextlib.contextmanager
def _told(*, exists: bool = False) -> Iterator[None]:
    """Tell an API server's refusals in our own words."""
    try:
        yield
    except client.ApiException as error:
        raise _translated(error, exists=exists) from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        detail = str(error) or type(error).__name__
        raise errors.Unavailable(store="Kubernetes", detail=detail) from error


def _translated(error: client.ApiException, *, exists: bool) -> Exception:
    detail = _message(error)
    match error.status:
        case 404:
            return errors.ResourceGone(detail)
        case 409:
            return errors.ResourceExists(detail) if exists else errors.ResourceConflict(detail)
        case 410:
            return _PlaceLost(detail)
        case 400 | 403 | 422:
            return errors.ResourceRefused(detail)
        case _:
            return errors.Unavailable(store="Kubernetes", detail=f"{error.status}: {detail}")


def _message(error: client.ApiException) -> str:
    text = error.body or error.reason or ""
    return text if isinstance(text, str) else str(text)
