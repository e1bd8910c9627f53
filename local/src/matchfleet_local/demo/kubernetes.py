"""The few calls that the demo and its tests make to the local cluster's Kubernetes API."""

import base64
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from matchfleet_contracts import resources

_GROUPS = {"pods": "/api/v1", "configmaps": "/api/v1"}
_OURS = f"/apis/{resources.API_VERSION}"


@dataclass(frozen=True, slots=True)
class Access:
    """Where the local cluster is, what it proves itself with, and the token that opens it."""

    url: str
    tls: ssl.SSLContext
    token: str = field(repr=False)


def read_access(kubeconfig: Path) -> Access:
    """The access in the kubeconfig that the local cluster wrote."""
    read = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster = read["clusters"][0]["cluster"]
    certificate = base64.b64decode(cluster["certificate-authority-data"]).decode()
    return Access(
        url=cluster["server"],
        tls=ssl.create_default_context(cadata=certificate),
        token=read["users"][0]["user"]["token"],
    )


class Cluster:
    """One namespace of the local cluster, over its HTTP API."""

    def __init__(self, session: aiohttp.ClientSession, access: Access, namespace: str) -> None:
        self._session = session
        self._root = access.url
        self._tls = access.tls
        self._headers = {"Authorization": f"Bearer {access.token}"}
        self._namespace = namespace

    async def create(self, plural: str, item: dict[str, Any]) -> dict[str, Any]:
        """Create one object; an answer of 400 and above raises with its text."""
        async with self._session.post(
            self._url(plural), json=item, headers=self._headers, ssl=self._tls
        ) as answer:
            return await _read(answer)

    async def items(self, plural: str) -> list[dict[str, Any]]:
        """All objects of one kind."""
        async with self._session.get(
            self._url(plural), headers=self._headers, ssl=self._tls
        ) as answer:
            found: list[dict[str, Any]] = (await _read(answer))["items"]
            return found

    def _url(self, plural: str) -> str:
        group = _GROUPS.get(plural, _OURS)
        return f"{self._root}{group}/namespaces/{self._namespace}/{plural}"


async def _read(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    if answer.status >= 400:
        raise RuntimeError(f"the local cluster answered {answer.status}: {await answer.text()}")
    read: dict[str, Any] = await answer.json()
    return read
