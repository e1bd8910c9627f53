"""What is left of an install, and how it is removed: Fleets, Secrets, ConfigMaps.

Matches have a port of their own (`matches`); this is the rest that an uninstall touches. Removing
what is not there is as good as removing it.
"""

from typing import Any

import aiohttp
from kubernetes.aio import client

from matchfleet_adapters import errors
from matchfleet_contracts import resources

_TIMEOUT_S = 10.0
_FLEETS = "fleets"


class Remains:
    """Fleets, Secrets and ConfigMaps of one namespace, to be removed."""

    def __init__(self, api_client: client.ApiClient, namespace: str) -> None:
        self._core = client.CoreV1Api(api_client)
        self._custom = client.CustomObjectsApi(api_client)
        self._namespace = namespace
        self._fleets: dict[str, Any] = {
            "group": resources.GROUP,
            "version": resources.VERSION,
            "namespace": namespace,
            "plural": _FLEETS,
        }

    async def fleets(self) -> list[str]:
        """Names of all Fleets.

        Raises:
            errors.Unavailable: the API server does not answer.
            errors.ResourceRefused: it does not let us.
        """
        found = await self._told(self._custom.list_namespaced_custom_object, **self._fleets)
        return [] if found is None else [item["metadata"]["name"] for item in found["items"]]

    async def delete_fleet(self, name: str) -> None:
        """Remove a Fleet; raises as `fleets` does."""
        await self._told(self._custom.delete_namespaced_custom_object, **self._fleets, name=name)

    async def delete_secret(self, name: str) -> None:
        """Remove a Secret; raises as `fleets` does."""
        await self._told(self._core.delete_namespaced_secret, name, self._namespace)

    async def delete_config_map(self, name: str) -> None:
        """Remove a ConfigMap; raises as `fleets` does."""
        await self._told(self._core.delete_namespaced_config_map, name, self._namespace)

    async def _told(self, call: Any, *arguments: Any, **named: Any) -> Any:
        """Call, with a deadline; None when there is no such thing."""
        try:
            return await call(*arguments, **named, _request_timeout=_TIMEOUT_S)
        except client.ApiException as error:
            if error.status == 404:
                return None
            raise errors.ResourceRefused(str(error.body or error.reason)) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            detail = str(error) or type(error).__name__
            raise errors.Unavailable(store="Kubernetes", detail=detail) from error
