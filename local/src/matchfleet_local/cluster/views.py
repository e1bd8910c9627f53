"""One stored object in its several API shapes.

Events are kept in the core form and served in both: the core group and `events.k8s.io` name the
same facts differently. Objects are kept under one version, and shown under the version asked for.
"""

from collections.abc import Mapping
from typing import Any

from matchfleet_local.cluster import kinds

# events.k8s.io name -> core name
_EVENT_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_CORE_NAMES = {core: new for new, core in _EVENT_NAMES.items()}


def kept(kind: kinds.Kind, body: Mapping[str, Any]) -> dict[str, Any]:
    """A client's body in the stored shape."""
    if kind == kinds.EVENTS:
        return {_EVENT_NAMES.get(key, key): value for key, value in body.items()}
    return dict(body)


def shown(kind: kinds.Kind, obj: Mapping[str, Any]) -> dict[str, Any]:
    """A stored object as the given kind shows it, apiVersion and kind first."""
    names = _CORE_NAMES if kind == kinds.EVENTS else {}
    rest = {
        names.get(key, key): value
        for key, value in obj.items()
        if key not in {"apiVersion", "kind"}
    }
    return {"apiVersion": kind.api_version, "kind": kind.kind, **rest}


def stored_field(kind: kinds.Kind, dotted: str) -> str:
    """Where a field of the shown shape lies in the stored one."""
    head, dot, rest = dotted.partition(".")
    if kind == kinds.EVENTS:
        head = _EVENT_NAMES.get(head, head)
    return f"{head}{dot}{rest}"


def listed(kind: kinds.Kind, obj: Mapping[str, Any]) -> dict[str, Any]:
    """A stored object as an item of a list.

    Only custom resources repeat their type in each item; clients must not rely on it.
    """
    full = shown(kind, obj)
    if not kind.is_custom:
        del full["apiVersion"], full["kind"]
    return full


def partial(obj: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata alone."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }
