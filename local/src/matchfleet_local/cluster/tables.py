"""Lists as kubectl prints them: the `Table` of each kind, cells computed from the objects.

Custom kinds bring their columns in their definition; the built-in ones that people look at have
theirs here, and any other kind shows name and age.
"""

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matchfleet_local.cluster import jsonpaths, kinds, stamps, views
from matchfleet_local.cluster.kinds import Column, Kind

Obj = Mapping[str, Any]
Cells = Callable[[Obj, datetime.datetime], list[Any]]

_NAME = Column("Name", "string", format="name")
_AGE = Column("Age", "string")
_UNKNOWN = "<unknown>"
_NONE = "<none>"


def table(
    kind: Kind,
    objects: Sequence[Obj],
    *,
    now: datetime.datetime,
    version: str,
    include: str = "Metadata",
    with_columns: bool = True,
) -> dict[str, Any]:
    """The Table of some objects.

    Args:
        include: what goes with each row: `Metadata`, `Object` or `None`.
        with_columns: False in all but the first event of a watch.
    """
    columns, cells = _layout(kind)
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [_definition(column) for column in columns] if with_columns else None,
        "rows": [_row(obj, cells(obj, now), include) for obj in objects],
    }


def _definition(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def _row(obj: Obj, cells: list[Any], include: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": cells}
    if include == "Object":
        row["object"] = obj
    elif include == "Metadata":
        row["object"] = views.partial(obj)
    return row


def _layout(kind: Kind) -> tuple[tuple[Column, ...], Cells]:
    if kind.is_custom:
        columns = kind.columns or (Column("Age", "date", path=".metadata.creationTimestamp"),)

        def custom(obj: Obj, now: datetime.datetime) -> list[Any]:
            return [_name(obj), *(_cell(column, obj, now) for column in columns)]

        return (_NAME, *columns), custom
    return _BUILT_IN.get(kind, ((_NAME, _AGE), _plain))


def _cell(column: Column, obj: Obj, now: datetime.datetime) -> Any:
    values = jsonpaths.find(obj, column.path)
    if not values or values[0] is None:
        return _UNKNOWN if column.type == "date" else None
    value = values[0]
    if column.type == "date":
        return stamps.age(str(value), now)
    if column.type == "integer":
        return int(value) if isinstance(value, int | float | str) else None
    if column.type == "string":
        return " ".join(_text(each) for each in values)
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _name(obj: Obj) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Obj, now: datetime.datetime) -> str:
    created = obj["metadata"].get("creationTimestamp")
    return stamps.age(created, now) if created else _UNKNOWN


def _plain(obj: Obj, now: datetime.datetime) -> list[Any]:
    return [_name(obj), _age(obj, now)]


def pod_reason(pod: Obj) -> str:
    """The one word of a pod's STATUS column."""
    status = pod.get("status") or {}
    reason = str(status.get("reason") or status.get("phase") or "Unknown")
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        reason = waiting.get("reason") or ended.get("reason") or reason
    if status.get("reason") in {"DeadlineExceeded", "Evicted"}:
        reason = status["reason"]
    return "Terminating" if pod["metadata"].get("deletionTimestamp") else reason


def _pod(pod: Obj, now: datetime.datetime) -> list[Any]:
    status, spec = pod.get("status") or {}, pod["spec"]
    containers = status.get("containerStatuses") or ()
    ready = sum(bool(container.get("ready")) for container in containers)
    restarts = sum(int(container.get("restartCount", 0)) for container in containers)
    return [
        _name(pod),
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_reason(pod),
        str(restarts),
        _age(pod, now),
        status.get("podIP") or _NONE,
        spec.get("nodeName") or _NONE,
        _NONE,
        _NONE,
    ]


_POD_COLUMNS = (
    _NAME,
    Column("Ready", "string"),
    Column("Status", "string"),
    Column("Restarts", "string"),
    _AGE,
    Column("IP", "string", priority=1),
    Column("Node", "string", priority=1),
    Column("Nominated Node", "string", priority=1),
    Column("Readiness Gates", "string", priority=1),
)


def _namespace(obj: Obj, now: datetime.datetime) -> list[Any]:
    return [_name(obj), (obj.get("status") or {}).get("phase", "Active"), _age(obj, now)]


def _node(node: Obj, now: datetime.datetime) -> list[Any]:
    status = node["status"]
    address = next((a["address"] for a in status["addresses"] if a["type"] == "InternalIP"), _NONE)
    return [
        _name(node),
        "Ready",
        _NONE,
        _age(node, now),
        status["nodeInfo"]["kubeletVersion"],
        address,
    ]


def _event(event: Obj, now: datetime.datetime) -> list[Any]:
    regards = event.get("involvedObject") or event.get("regarding") or {}
    seen = (
        event.get("lastTimestamp")
        or event.get("deprecatedLastTimestamp")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
    )
    return [
        stamps.age(seen, now) if seen else _UNKNOWN,
        event.get("type", ""),
        event.get("reason", ""),
        f"{str(regards.get('kind', '')).lower()}/{regards.get('name', '')}",
        (event.get("message") or event.get("note") or "").strip(),
        _name(event),
    ]


_EVENT_COLUMNS = (
    Column("Last Seen", "string"),
    Column("Type", "string"),
    Column("Reason", "string"),
    Column("Object", "string"),
    Column("Message", "string"),
    Column("Name", "string", format="name", priority=1),
)


def _lease(lease: Obj, now: datetime.datetime) -> list[Any]:
    return [_name(lease), (lease.get("spec") or {}).get("holderIdentity") or "", _age(lease, now)]


def _data(obj: Obj, now: datetime.datetime) -> list[Any]:
    count = len(obj.get("data") or {}) + len(obj.get("binaryData") or {})
    return [_name(obj), str(count), _age(obj, now)]


def _secret(obj: Obj, now: datetime.datetime) -> list[Any]:
    return [_name(obj), obj.get("type", "Opaque"), str(len(obj.get("data") or {})), _age(obj, now)]


def _definition_row(obj: Obj, _now: datetime.datetime) -> list[Any]:
    return [_name(obj), obj["metadata"].get("creationTimestamp")]


_BUILT_IN: dict[Kind, tuple[tuple[Column, ...], Cells]] = {
    kinds.PODS: (_POD_COLUMNS, _pod),
    kinds.NAMESPACES: ((_NAME, Column("Status", "string"), _AGE), _namespace),
    kinds.NODES: (
        (
            _NAME,
            Column("Status", "string"),
            Column("Roles", "string"),
            _AGE,
            Column("Version", "string"),
            Column("Internal-IP", "string", priority=1),
        ),
        _node,
    ),
    kinds.CORE_EVENTS: (_EVENT_COLUMNS, _event),
    kinds.EVENTS: (_EVENT_COLUMNS, _event),
    kinds.LEASES: ((_NAME, Column("Holder", "string"), _AGE), _lease),
    kinds.CONFIG_MAPS: ((_NAME, Column("Data", "string"), _AGE), _data),
    kinds.SECRETS: ((_NAME, Column("Type", "string"), Column("Data", "string"), _AGE), _secret),
    kinds.CRDS: ((_NAME, Column("Created At", "date")), _definition_row),
}
