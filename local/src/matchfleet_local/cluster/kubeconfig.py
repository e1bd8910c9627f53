"""The kubeconfig by which everything else finds the cluster."""

import base64

import yaml


def text(url: str, *, token: str, certificate: bytes, context: str) -> str:
    """A kubeconfig with one context."""
    cluster = {
        "server": url,
        "certificate-authority-data": base64.b64encode(certificate).decode(),
    }
    joined = {"cluster": context, "user": context, "namespace": "default"}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": context, "cluster": cluster}],
            "users": [{"name": context, "user": {"token": token}}],
            "contexts": [{"name": context, "context": joined}],
        },
        sort_keys=False,
    )
