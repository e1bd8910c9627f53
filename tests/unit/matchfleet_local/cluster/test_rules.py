"""CEL rules hold at their place, with old values where they can be paired."""

from typing import Any

import pytest

from matchfleet_local.cluster import rules


def broken(
    schema: dict[str, Any], new: dict[str, Any], old: dict[str, Any] | None = None
) -> list[tuple[str, str]]:
    compiled = rules.compile_rules({"type": "object", "properties": schema})
    assert compiled.skipped == ()
    return [(c.field, c.message) for c in rules.check(compiled, new, old)]


def a_rule(text: str, **extra: str) -> dict[str, Any]:
    return {"x-kubernetes-validations": [{"rule": text, **extra}]}


def test_a_transition_rule_waits_for_an_old_value() -> None:
    schema = {"a": {"type": "integer", **a_rule("self == oldSelf", message="fixed")}}
    assert broken(schema, {"a": 1}) == []
    assert broken(schema, {"a": 1}, {}) == []
    assert broken(schema, {"a": 1}, {"a": 1}) == []
    assert broken(schema, {"a": 2}, {"a": 1}) == [("a", 'Invalid value: "integer": fixed')]


def test_a_rule_is_not_applied_where_its_value_is_gone() -> None:
    schema = {"a": {"type": "integer", **a_rule("self == oldSelf")}}
    assert broken(schema, {}, {"a": 1}) == []


def test_items_of_a_map_list_are_paired_by_their_keys() -> None:
    items = {
        "type": "object",
        "properties": {"id": {"type": "string"}, "n": {"type": "integer"}},
        **a_rule("self.n >= oldSelf.n", message="grows"),
    }
    paired = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["id"],
        "items": items,
    }
    old = {"l": [{"id": "a", "n": 1}, {"id": "b", "n": 5}]}
    new = {"l": [{"id": "b", "n": 4}, {"id": "a", "n": 2}, {"id": "c", "n": 0}]}
    assert [field for field, _ in broken({"l": paired}, new, old)] == ["l[0]"]
    plain = {"type": "array", "items": items}
    assert broken({"l": plain}, new, old) == []


def test_values_of_a_map_are_judged_by_key() -> None:
    schema = {
        "m": {"type": "object", "additionalProperties": {"type": "integer", **a_rule("self < 3")}}
    }
    assert broken(schema, {"m": {"a": 1, "b": 3}}) == [
        ("m.b", 'Invalid value: "integer": failed rule: self < 3')
    ]


def test_what_did_not_change_is_not_judged_again() -> None:
    schema = {"a": {"type": "integer", **a_rule("self < 3")}, "b": {"type": "integer"}}
    assert broken(schema, {"a": 5, "b": 2}, {"a": 5, "b": 1}) == []
    assert len(broken(schema, {"a": 6}, {"a": 5})) == 1


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"message": "no"}, ("o", 'Invalid value: "object": no')),
        ({"message": "no", "reason": "FieldValueForbidden"}, ("o", "Forbidden: no")),
        ({"message": "no", "fieldPath": ".x"}, ("o.x", 'Invalid value: "object": no')),
        ({"messageExpression": "'x is ' + self.x"}, ("o", 'Invalid value: "object": x is bad')),
    ],
)
def test_a_refusal_is_worded_as_the_rule_says(
    extra: dict[str, str], expected: tuple[str, str]
) -> None:
    schema = {
        "o": {
            "type": "object",
            "properties": {"x": {"type": "string"}},
            **a_rule("self.x != 'bad'", **extra),
        }
    }
    assert broken(schema, {"o": {"x": "bad"}}) == [expected]


def test_a_root_rule_sees_names_but_no_other_metadata() -> None:
    root = {
        "type": "object",
        **a_rule("self.metadata.name != 'x' && !has(self.metadata.labels)"),
    }
    compiled = rules.compile_rules(root)
    named = {"metadata": {"name": "y", "labels": {"a": "b"}}}
    assert rules.check(compiled, named, None) == ()
    (cause,) = rules.check(compiled, {"metadata": {"name": "x"}}, None)
    assert cause.field == "<nil>"


def test_dates_and_numbers_have_the_types_of_their_schema() -> None:
    schema = {
        "from": {"type": "string", "format": "date-time"},
        "to": {"type": "string", "format": "date-time"},
        "share": {"type": "number"},
        "wait": {"type": "string", "format": "duration"},
    }
    root = {
        "o": {
            "type": "object",
            "properties": schema,
            **a_rule("self.from < self.to && self.share < 1.5 && self.wait < duration('1h')"),
        }
    }
    good = {
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-01T00:00:00.5Z",
        "share": 1,
        "wait": "90s",
    }
    assert broken(root, {"o": good}) == []
    assert len(broken(root, {"o": {**good, "to": "2025-01-01T00:00:00Z"}})) == 1


def test_an_evaluation_error_is_a_refusal() -> None:
    schema = {"o": {"type": "object", **a_rule("self.none == 1")}}
    ((field, message),) = broken(schema, {"o": {}})
    assert field == "o"
    assert "rule evaluation error" in message


def test_a_rule_that_does_not_compile_is_named() -> None:
    compiled = rules.compile_rules({"type": "object", **a_rule("self.?x.orValue(1) == 1")})
    assert compiled.skipped == ("self.?x.orValue(1) == 1",)
