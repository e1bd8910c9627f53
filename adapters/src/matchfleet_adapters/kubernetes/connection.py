"""From settings to a client: a kubeconfig's, or the service account's inside a cluster.

`kubernetes` 36.0 sent no token from inside a cluster, so 37 is the least that is used.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from kubernetes.aio import client, config

from matchfleet_adapters import errors

_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@contextlib.asynccontextmanager
async def connected(kubeconfig: Path | None) -> AsyncIterator[client.ApiClient]:
    """A client, closed when the block ends.

    Raises:
        errors.Unavailable: there is no such kubeconfig, and no cluster around this process.
    """
    settings = client.Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=settings
            )
        else:
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                str(kubeconfig), client_configuration=settings
            )
    except (config.ConfigException, OSError) as error:
        raise errors.Unavailable(store="Kubernetes", detail=str(error)) from error
    async with client.ApiClient(settings) as api_client:
        yield api_client


def own_namespace(asked: str | None) -> str:
    """The namespace asked for, else the one this process runs in, else `default`."""
    if asked:
        return asked
    try:
        return _NAMESPACE_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        return "default"
