"""Printer columns find their values."""

from typing import Any

import pytest

from matchfleet_local.cluster import jsonpaths

OBJECT = {
    "spec": {"a.b": 1, "list": [{"n": "x", "on": True}, {"n": "y", "on": False}]},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Old"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec['a.b']", (1,)),
        (r".spec.a\.b", (1,)),
        (".spec.list[1].n", ("y",)),
        (".spec.list[-1].n", ("y",)),
        (".spec.list[9].n", ()),
        (".spec.list[*].n", ("x", "y")),
        ('.status.conditions[?(@.type=="Ready")].status', ("True",)),
        (".spec.list[?(@.on==true)].n", ("x",)),
        ('.spec.list[?(@.n!="x")].n', ("y",)),
        (".status.none.below", ()),
        (".status.conditions[*].status", ("True",)),
    ],
)
def test_paths(path: str, found: tuple[Any, ...]) -> None:
    assert jsonpaths.find(OBJECT, path) == found


def test_what_is_not_understood_is_an_error() -> None:
    with pytest.raises(ValueError, match="not understood"):
        jsonpaths.find(OBJECT, ".spec..list")
