"""The scale subresource of custom kinds: one number of the spec seen as `autoscaling/v1 Scale`."""

from collections.abc import Mapping
from typing import Any

from matchfleet_local.cluster import errors
from matchfleet_local.cluster.kinds import Kind, Scale


def view(kind: Kind, obj: Mapping[str, Any]) -> dict[str, Any]:
    """The Scale of an object.

    Raises:
        NotFound: the kind has no scale.
    """
    scale = _scale_of(kind)
    metadata = obj["metadata"]
    shown = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    status: dict[str, Any] = {"replicas": _read(obj, scale.status_path) or 0}
    if scale.selector_path and _read(obj, scale.selector_path):
        status["selector"] = _read(obj, scale.selector_path)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in shown if key in metadata},
        "spec": {"replicas": _read(obj, scale.spec_path) or 0},
        "status": status,
    }


def write(kind: Kind, obj: Mapping[str, Any], scale: Mapping[str, Any]) -> dict[str, Any]:
    """The object with the number of replicas that a Scale asks for."""
    path = _scale_of(kind).spec_path
    replicas = (scale.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        raise errors.Invalid(
            kind.kind,
            kind.group,
            obj["metadata"]["name"],
            causes=(
                errors.Cause(
                    f".{'.'.join(path)}",
                    "FieldValueInvalid",
                    f"Invalid value: {replicas}: should be a non-negative integer",
                ),
            ),
        )
    return _written(obj, path, replicas)


def _scale_of(kind: Kind) -> Scale:
    if kind.scale is None:
        raise errors.NotFound("the server could not find the requested resource")
    return kind.scale


def _read(obj: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        obj = obj.get(key) if isinstance(obj, Mapping) else None
    return obj


def _written(obj: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    head, rest = path[0], path[1:]
    return {**obj, head: _written(obj.get(head) or {}, rest, value) if rest else value}
