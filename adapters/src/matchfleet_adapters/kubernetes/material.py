"""Secrets and ConfigMaps of an install: made if absent, read back if present, never changed."""

import base64
from collections.abc import Mapping
from typing import Any

import aiohttp
from kubernetes.aio import client

from matchfleet_adapters import errors

_TIMEOUT_S = 10.0


class Material:
    """Secrets and ConfigMaps of one namespace."""

    def __init__(self, api_client: client.ApiClient, namespace: str) -> None:
        self._core = client.CoreV1Api(api_client)
        self._namespace = namespace

    async def secret(
        self, name: str, data: Mapping[str, bytes], *, labels: Mapping[str, str]
    ) -> dict[str, bytes]:
        """What the Secret `name` holds, made of `data` if there is none.

        Raises:
            errors.Unavailable: the API server does not answer.
            errors.ResourceRefused: it does not let us.
        """
        body = client.V1Secret(
            metadata=client.V1ObjectMeta(name=name, labels=dict(labels)),
            data={key: base64.b64encode(value).decode() for key, value in data.items()},
        )
        if await self._create(self._core.create_namespaced_secret, body):
            return dict(data)
        found = await self._read(self._core.read_namespaced_secret, name)
        return {key: base64.b64decode(value) for key, value in (found.data or {}).items()}

    async def config_map(
        self, name: str, data: Mapping[str, str], *, labels: Mapping[str, str]
    ) -> dict[str, str]:
        """What the ConfigMap `name` holds, made of `data` if there is none.

        Raises:
            errors.Unavailable: the API server does not answer.
            errors.ResourceRefused: it does not let us.
        """
        body = client.V1ConfigMap(
            metadata=client.V1ObjectMeta(name=name, labels=dict(labels)), data=dict(data)
        )
        if await self._create(self._core.create_namespaced_config_map, body):
            return dict(data)
        found = await self._read(self._core.read_namespaced_config_map, name)
        return dict(found.data or {})

    async def _create(self, call: Any, body: Any) -> bool:
        try:
            await call(self._namespace, body, _request_timeout=_TIMEOUT_S)
        except client.ApiException as error:
            if error.status == 409:
                return False
            raise errors.ResourceRefused(str(error.body or error.reason)) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise errors.Unavailable(store="Kubernetes", detail=str(error)) from error
        return True

    async def _read(self, call: Any, name: str) -> Any:
        try:
            return await call(name, self._namespace, _request_timeout=_TIMEOUT_S)
        except client.ApiException as error:
            raise errors.ResourceRefused(str(error.body or error.reason)) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise errors.Unavailable(store="Kubernetes", detail=str(error)) from error
