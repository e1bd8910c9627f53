"""Patches change what they name, leave the stored object alone, and refuse as a whole."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import errors, patches

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("abc", max_size=1), below),
    max_leaves=12,
)
objects = st.dictionaries(st.text("abc", max_size=1), json_values, max_size=4)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


@given(target=objects, patch=objects)
def test_a_merge_patch_applied_twice_is_applied_once(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    before = copy.deepcopy(target)
    once = patches.merge(target, patch)
    assert patches.merge(once, patch) == once
    assert target == before


@given(target=objects, patch=objects)
def test_a_merge_patch_sets_exactly_what_it_names(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    result = patches.merge(target, patch)
    for key in target.keys() | patch.keys():
        if key not in patch:
            assert result[key] == target[key]
        elif patch[key] is None:
            assert key not in result
        elif not isinstance(patch[key], dict):
            assert result[key] == patch[key]


@given(target=objects)
def test_a_strategic_patch_of_plain_fields_is_a_merge_patch(target: dict[str, Any]) -> None:
    plain = without_nulls({k: v for k, v in target.items() if not isinstance(v, list)})
    assert patches.strategic({"z": 1}, plain) == patches.merge({"z": 1}, plain)


CONTAINERS = {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        pytest.param(
            {"containers": [{"name": "b", "image": "3"}]},
            {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "3"}]},
            id="an item is merged by its key",
        ),
        pytest.param(
            {"containers": [{"name": "c"}]},
            {"containers": [*CONTAINERS["containers"], {"name": "c"}]},
            id="a new item is appended",
        ),
        pytest.param(
            {"containers": [{"name": "a", "$patch": "delete"}]},
            {"containers": [{"name": "b", "image": "2"}]},
            id="an item is deleted",
        ),
        pytest.param(
            {"containers": [{"$patch": "replace"}, {"name": "c"}]},
            {"containers": [{"name": "c"}]},
            id="the list is replaced",
        ),
        pytest.param(
            {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]},
            {"containers": [{"name": "b", "image": "2"}, {"name": "a", "image": "1"}]},
            id="the order is set",
        ),
        pytest.param({"containers": None}, {}, id="a list is removed"),
        pytest.param({"$patch": "replace", "x": 1}, {"x": 1}, id="the object is replaced"),
        pytest.param({"$patch": "delete"}, {}, id="the object is emptied"),
        pytest.param({"$retainKeys": ["y"], "y": 1}, {"y": 1}, id="only the retained keys stay"),
        pytest.param(
            {"tolerations": [1]}, {**CONTAINERS, "tolerations": [1]}, id="a plain list is set"
        ),
    ],
)
def test_strategic_directives(patch: dict[str, Any], expected: dict[str, Any]) -> None:
    assert patches.strategic(CONTAINERS, patch) == expected


def test_finalizers_are_a_set_in_strategic_patches() -> None:
    target = {"finalizers": ["a", "b"]}
    assert patches.strategic(target, {"finalizers": ["b", "c"]})["finalizers"] == ["a", "b", "c"]
    removed = patches.strategic(target, {"$deleteFromPrimitiveList/finalizers": ["a"]})
    assert removed["finalizers"] == ["b"]


def test_an_item_without_its_key_is_refused() -> None:
    with pytest.raises(errors.BadRequest, match="merge key: name"):
        patches.strategic(CONTAINERS, {"containers": [{"image": "x"}]})


def test_a_json_patch_is_refused_as_a_whole() -> None:
    target = {"a": [1, 2]}
    operations = [
        {"op": "add", "path": "/a/-", "value": 3},
        {"op": "test", "path": "/a/0", "value": 9},
    ]
    with pytest.raises(errors.Unprocessable):
        patches.apply(patches.Patch(patches.JSON, operations), target)
    assert target == {"a": [1, 2]}
    done = patches.apply(patches.Patch(patches.JSON, operations[:1]), target)
    assert (done, target) == ({"a": [1, 2, 3]}, {"a": [1, 2]})


@pytest.mark.parametrize(
    ("kind", "body", "refusal"),
    [
        (patches.JSON, {"a": 1}, errors.BadRequest),
        (patches.JSON, [{"op": "none", "path": "/a"}], errors.Unprocessable),
        (patches.JSON, [{"op": "replace", "path": "", "value": 1}], errors.BadRequest),
        (patches.MERGE, [1], errors.BadRequest),
        (patches.STRATEGIC, "x", errors.BadRequest),
        (patches.APPLY, {}, errors.UnsupportedMediaType),
        ("application/json", {}, errors.UnsupportedMediaType),
    ],
)
def test_what_is_no_patch_is_refused(kind: str, body: Any, refusal: type[errors.ApiError]) -> None:
    with pytest.raises(refusal):
        patches.apply(patches.Patch(kind, body), {"a": 1})
