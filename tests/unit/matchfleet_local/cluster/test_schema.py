"""Structural schemas prune, default and refuse as the API server does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import schema

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "apiVersion": {"type": "string"},
        "spec": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 4, "pattern": "^[a-z]*$"},
                "count": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
                "share": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                "low": {"type": "number", "maximum": 1, "exclusiveMaximum": True},
                "step": {"type": "integer", "multipleOf": 5},
                "mode": {"type": "string", "enum": ["a", "b"]},
                "on": {"type": "boolean"},
                "maybe": {"type": "string", "nullable": True},
                "port": {"x-kubernetes-int-or-string": True},
                "at": {"type": "string", "format": "date-time"},
                "day": {"type": "string", "format": "date"},
                "wait": {"type": "string", "format": "duration"},
                "tags": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 2,
                    "x-kubernetes-list-type": "set",
                    "items": {"type": "string"},
                },
                "nested": {
                    "type": "object",
                    "default": {},
                    "properties": {"deep": {"type": "integer", "default": 1}},
                },
                "map": {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 2,
                    "additionalProperties": {
                        "type": "object",
                        "properties": {"x": {"type": "integer", "default": 7}},
                    },
                },
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                "pod": {
                    "type": "object",
                    "x-kubernetes-embedded-resource": True,
                    "properties": {"spec": {"type": "object"}},
                },
                "either": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "one": {"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object",
                        "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
                "all": {"allOf": [{"minimum": 2}, {"maximum": 4}], "type": "integer"},
                "never": {"type": "string", "not": {"enum": ["bad"]}},
            },
        },
    },
}  # fmt: skip


def an_object(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "n"}, "spec": spec}


def causes(**spec: Any) -> list[tuple[str, str]]:
    found = schema.validate(an_object(name="a", **spec), SCHEMA)
    return [(cause.field, cause.message) for cause in found]


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"name": ""}, "name", 'Invalid value: "": spec.name in body should be at least 1 chars'),
        ({"name": "abcde"}, "name", "Too long: may not be more than 4 bytes"),
        ({"name": "A"}, "name", "Invalid value: \"A\": spec.name in body should match '^[a-z]*$'"),
        ({"count": 0}, "count", "Invalid value: 0: spec.count in body should be greater than or"),
        ({"count": 10}, "count", "Invalid value: 10: spec.count in body should be less than or"),
        ({"count": 2**63}, "count", "must be of type integer"),
        ({"count": True}, "count", "must be of type integer"),
        ({"share": 0}, "share", "should be greater than 0"),
        ({"low": 1}, "low", "should be less than 1"),
        ({"step": 7}, "step", "should be a multiple of 5"),
        ({"mode": "c"}, "mode", 'Unsupported value: "c": supported values: "a", "b"'),
        ({"on": "yes"}, "on", 'Invalid value: "string": spec.on in body must be of type boolean'),
        ({"port": 1.5}, "port", "must be of type integer,string"),
        ({"at": "2026-01-01"}, "at", "must be of type date-time"),
        ({"at": "2026-01-01T00:00:00"}, "at", "must be of type date-time"),
        ({"day": "01.01.2026"}, "day", "must be of type date"),
        ({"wait": "3x"}, "wait", "must be of type duration"),
        ({"tags": []}, "tags", "should have at least 1 items"),
        ({"tags": ["a", "b", "c"]}, "tags", "Too many: 3: must have at most 2 items"),
        ({"tags": ["a", "a"]}, "tags[1]", 'Duplicate value: "a"'),
        ({"tags": [None]}, "tags[0]", 'Invalid value: "null"'),
        ({"map": {}}, "map", "should have at least 1 properties"),
        ({"map": {"a": {}, "b": {}, "c": {}}}, "map", "Too many: 3"),
        ({"map": {"a": {"x": "1"}}}, "map.a.x", "must be of type integer"),
        ({"either": []}, "either", "must validate at least one schema (anyOf)"),
        ({"one": {"a": "", "b": ""}}, "one", "must validate one and only one schema (oneOf)"),
        ({"all": 5}, "all", "should be less than or equal to 4"),
        ({"never": "bad"}, "never", "must not validate the schema (not)"),
    ],
)
def test_a_broken_rule_is_named_with_its_field(
    spec: dict[str, Any], field: str, message: str
) -> None:
    found = schema.validate(an_object(**{"name": "a", **spec}), SCHEMA)
    (cause,) = found
    assert cause.field == f"spec.{field}"
    assert message in cause.message


def test_a_missing_field_is_required() -> None:
    (cause,) = schema.validate(an_object(), SCHEMA)
    assert cause.sentence() == "spec.name: Required value"


@pytest.mark.parametrize(
    "spec",
    [
        {"maybe": None},
        {"port": 80},
        {"port": "http"},
        {"count": 3.0},
        {"share": 1},
        {"at": "2026-01-01T00:00:00.123+02:00"},
        {"at": "2026-01-01T00:00:00Z"},
        {"day": "2026-01-01"},
        {"wait": "1h30m"},
        {"either": "x"},
        {"one": {"b": ""}},
        {"free": {"any": [1]}},
    ],
)
def test_what_fits_is_accepted(spec: dict[str, Any]) -> None:
    assert causes(**spec) == []


def test_unknown_fields_are_dropped_and_named() -> None:
    given_spec = {
        "name": "a",
        "other": 1,
        "nested": {"x": 1},
        "map": {"k": {"y": 1}},
        "free": {"kept": {"too": 1}},
        "pod": {"metadata": {"labels": {"a": "b"}}, "extra": 1, "spec": {}},
    }
    pruned, unknown = schema.prune({**an_object(**given_spec), "top": 1}, SCHEMA)
    assert pruned == an_object(
        name="a",
        nested={},
        map={"k": {}},
        free={"kept": {"too": 1}},
        pod={"metadata": {"labels": {"a": "b"}}, "spec": {}},
    )
    assert set(unknown) == {"top", "spec.other", "spec.nested.x", "spec.map.k.y", "spec.pod.extra"}


def test_defaults_reach_into_objects_maps_and_nulls() -> None:
    filled = schema.default(
        an_object(name="a", count=None, maybe=None, on=None, map={"k": {}}), SCHEMA
    )
    assert filled["spec"] == {
        "name": "a",
        "count": 5,
        "maybe": None,
        "nested": {"deep": 1},
        "map": {"k": {"x": 7}},
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below),
    max_leaves=10,
)
specs = st.dictionaries(
    st.sampled_from([*SCHEMA["properties"]["spec"]["properties"], "other"]), json_values
)


@given(spec=specs)
def test_pruning_and_defaulting_settle_at_once(spec: dict[str, Any]) -> None:
    pruned, _ = schema.prune(an_object(**spec), SCHEMA)
    assert schema.prune(pruned, SCHEMA) == (pruned, ())
    filled = schema.default(pruned, SCHEMA)
    assert schema.default(filled, SCHEMA) == filled


@given(spec=specs)
def test_any_value_is_judged_without_an_error(spec: dict[str, Any]) -> None:
    for cause in schema.validate(an_object(**spec), SCHEMA):
        assert cause.field.startswith("spec.")
