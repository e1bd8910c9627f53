"""Where a container's configuration comes from: ConfigMaps, Secrets and the pod's own fields. Pure.

Whatever is missing is a `NotReady` with the reason that a kubelet would report.
"""

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Protocol

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


class NotReady(Exception):
    """The container cannot be started as things are.

    Attributes:
        reason: the waiting reason to report.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Lookup(Protocol):
    """Reads the configuration objects of the pod's namespace."""

    def config_map(self, name: str) -> Mapping[str, Any] | None:
        """The ConfigMap, or None."""

    def secret(self, name: str) -> Mapping[str, Any] | None:
        """The Secret, or None."""


def config_map(ref: Mapping[str, Any], lookup: Lookup) -> Mapping[str, Any]:
    """The ConfigMap that a reference means; empty when it is optional and missing."""
    return _found(lookup.config_map(ref["name"]), ref, f'configmap "{ref["name"]}"')


def secret(ref: Mapping[str, Any], lookup: Lookup) -> Mapping[str, Any]:
    """The Secret that a reference means."""
    # A volume says `secretName`, every other reference says `name`.
    name = ref.get("secretName") or ref["name"]
    return _found(lookup.secret(name), ref, f'secret "{name}"')


def _found(obj: Mapping[str, Any] | None, ref: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    if obj is None and not ref.get("optional"):
        raise NotReady("CreateContainerConfigError", f"{what} not found")
    return obj or {}


def texts(config_map: Mapping[str, Any]) -> dict[str, str]:
    """The text entries of a ConfigMap."""
    return dict(config_map.get("data") or {})


def all_bytes(config_map: Mapping[str, Any]) -> dict[str, bytes]:
    """All entries of a ConfigMap, the binary ones decoded."""
    binary = {k: base64.b64decode(v) for k, v in (config_map.get("binaryData") or {}).items()}
    return {key: value.encode() for key, value in texts(config_map).items()} | binary


def secret_data(secret: Mapping[str, Any]) -> dict[str, bytes]:
    """The entries of a Secret, decoded."""
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def field(pod: Mapping[str, Any], path: str, *, address: str) -> str:
    """The text of a field of the downward API.

    Raises:
        NotReady: a path that the downward API does not have.
    """
    meta = pod["metadata"]
    fixed = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", ""),
        "status.podIP": address,
        "status.podIPs": address,
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
        "metadata.labels": _pairs(meta.get("labels") or {}),
        "metadata.annotations": _pairs(meta.get("annotations") or {}),
    }
    if path in fixed:
        return str(fixed[path])
    if subscript := _SUBSCRIPT.fullmatch(path):
        return str((meta.get(subscript[1]) or {}).get(subscript[2], ""))
    raise NotReady("CreateContainerConfigError", f"field path not supported: {path}")


def _pairs(values: Mapping[str, str]) -> str:
    return "\n".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items())
    )
