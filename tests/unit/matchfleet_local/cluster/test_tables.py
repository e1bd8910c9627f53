"""What people see with `kubectl get`."""

import datetime
from typing import Any

import pytest

from matchfleet_local.cluster import kinds, tables

NOW = datetime.datetime(2026, 1, 1, 0, 1, tzinfo=datetime.UTC)
BORN = "2026-01-01T00:00:00Z"


def cells(kind: kinds.Kind, obj: dict[str, Any]) -> list[Any]:
    table = tables.table(kind, [obj], now=NOW, version="7")
    assert len(table["columnDefinitions"]) == len(table["rows"][0]["cells"])
    found: list[Any] = table["rows"][0]["cells"]
    return found


def a_pod(status: dict[str, Any], **meta: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "creationTimestamp": BORN, **meta},
        "spec": {"containers": [{}], "nodeName": "local"},
        "status": status,
    }


def state(**state: Any) -> dict[str, Any]:
    return {"phase": "Running", "containerStatuses": [{"state": state, "restartCount": 2}]}


@pytest.mark.parametrize(
    ("pod", "word"),
    [
        (a_pod({"phase": "Pending"}), "Pending"),
        (a_pod({}), "Unknown"),
        (a_pod(state(waiting={"reason": "ContainerCreating"})), "ContainerCreating"),
        (a_pod(state(terminated={"reason": "Error"})), "Error"),
        (a_pod(state(running={})), "Running"),
        (
            a_pod({**state(terminated={"reason": "Error"}), "reason": "DeadlineExceeded"}),
            "DeadlineExceeded",
        ),
        (a_pod(state(running={}), deletionTimestamp=BORN), "Terminating"),
    ],
)
def test_a_pods_status_in_one_word(pod: dict[str, Any], word: str) -> None:
    assert cells(kinds.PODS, pod)[2] == word


def test_a_running_pod() -> None:
    status = state(running={})
    status["containerStatuses"][0]["ready"] = True
    row = cells(kinds.PODS, a_pod({**status, "podIP": "127.64.0.1"}))
    assert row[:7] == ["p", "1/1", "Running", "2", "60s", "127.64.0.1", "local"]


CUSTOM = kinds.Kind(
    "a.b",
    "v1",
    "Thing",
    "things",
    "thing",
    schema={},
    columns=(
        kinds.Column("Phase", "string", ".status.phase"),
        kinds.Column("Seats", "integer", ".spec.seats"),
        kinds.Column("On", "boolean", ".spec.on"),
        kinds.Column("Names", "string", ".spec.names[*]"),
        kinds.Column("Raw", "string", ".spec.raw"),
        kinds.Column("Since", "date", ".status.since"),
        kinds.Column("Age", "date", ".metadata.creationTimestamp"),
    ),
)


def test_custom_columns_take_their_types() -> None:
    thing = {
        "metadata": {"name": "t", "creationTimestamp": BORN},
        "spec": {"seats": 4, "on": True, "names": ["x", "y"], "raw": {"a": 1}},
    }
    assert cells(CUSTOM, thing) == ["t", None, 4, True, "x y", '{"a":1}', "<unknown>", "60s"]


def test_every_built_in_kind_has_a_row() -> None:
    node_status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "nodeInfo": {"kubeletVersion": "v1"},
    }
    for kind in kinds.BUILT_IN:
        obj: dict[str, Any] = {
            "metadata": {"name": "n", "creationTimestamp": BORN},
            "spec": {},
            "status": node_status if kind == kinds.NODES else {},
        }
        assert "n" in cells(kind, obj)


@pytest.mark.parametrize(("include", "keys"), [("None", set()), ("Metadata", {"metadata"})])
def test_rows_carry_what_is_asked_for(include: str, keys: set[str]) -> None:
    pod = a_pod({})
    table = tables.table(kinds.PODS, [pod], now=NOW, version="", include=include)
    (row,) = table["rows"]
    assert set(row.get("object", {})) - {"kind", "apiVersion"} == keys
    full = tables.table(kinds.PODS, [pod], now=NOW, version="", include="Object")
    assert full["rows"][0]["object"] == pod
