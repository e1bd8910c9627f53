"""CEL rules of custom resources (`x-kubernetes-validations`), by cel-python.

A rule is compiled once, when its definition is stored, and evaluated at every place the schema
puts it. A rule that speaks of `oldSelf` needs an old value: it is skipped on create and, inside
lists, wherever the items cannot be paired (only lists of type map can). Rules that need the
server's own CEL libraries do not compile here; `compile_rules` returns them by name so that the
caller can say so once, and the contract suite proves them on a real API server.
"""

import datetime
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import celpy
from celpy import adapter, celparser, celtypes, evaluation

from matchfleet_local.cluster.errors import Cause

_REASONS = {
    "FieldValueInvalid": "Invalid value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueRequired": "Required value",
    "FieldValueDuplicate": "Duplicate value",
}
# After these a rule could read a field that is not what its schema promises.
BLOCKING = frozenset(
    {"FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"}
)
NOT_CHECKED = Cause(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)
_OLD_SELF = re.compile(r"\boldSelf\b")

Steps = tuple[str, ...]
Program = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule.

    Attributes:
        steps: where it applies: property names, `[]` for list items, `{}` for map values.
        message_program: computes the message, when the rule has a `messageExpression`.
    """

    steps: Steps
    text: str
    message: str
    reason: str
    field: str
    program: Program
    message_program: Program | None
    needs_old: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one schema, and the texts that could not be compiled."""

    schema: Mapping[str, Any]
    compiled: tuple[Rule, ...]
    skipped: tuple[str, ...]


def compile_rules(schema: Mapping[str, Any]) -> Rules:
    """Compile every rule of a schema."""
    environment = celpy.Environment()
    compiled: list[Rule] = []
    skipped: list[str] = []
    for steps, rule in _declared(schema, ()):
        try:
            compiled.append(_compile(environment, steps, rule))
        except celparser.CELParseError:
            skipped.append(rule["rule"])
    return Rules(schema, tuple(compiled), tuple(skipped))


def _declared(schema: Mapping[str, Any], steps: Steps) -> Iterator[tuple[Steps, dict[str, Any]]]:
    for rule in schema.get("x-kubernetes-validations") or ():
        yield steps, rule
    for key, below in (schema.get("properties") or {}).items():
        yield from _declared(below, (*steps, key))
    if isinstance(schema.get("items"), Mapping):
        yield from _declared(schema["items"], (*steps, "[]"))
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield from _declared(schema["additionalProperties"], (*steps, "{}"))


def _compile(environment: celpy.Environment, steps: Steps, rule: dict[str, Any]) -> Rule:
    def program(text: str) -> Program:
        return environment.program(environment.compile(text)).evaluate

    expression = rule.get("messageExpression")
    return Rule(
        steps=steps,
        text=rule["rule"],
        message=rule.get("message") or f"failed rule: {' '.join(rule['rule'].split())}",
        reason=rule.get("reason") or "FieldValueInvalid",
        field=rule.get("fieldPath") or "",
        program=program(rule["rule"]),
        message_program=program(expression) if expression else None,
        needs_old=bool(_OLD_SELF.search(rule["rule"])),
    )


def check(rules: Rules, new: Mapping[str, Any], old: Mapping[str, Any] | None) -> tuple[Cause, ...]:
    """Every rule that the new value breaks, given the old one on update.

    A place whose value did not change is not judged again by rules that look at it alone, so a
    rule added later does not lock objects that were stored before it.
    """
    seen_new = _root(new)
    seen_old = None if old is None else _root(old)
    broken: list[Cause] = []
    converted = _Converted()
    for rule in rules.compiled:
        for place in _places(rules.schema, rule.steps, seen_new, seen_old, path=""):
            cause = _judge(rule, place, converted)
            if cause is not None:
                broken.append(cause)
    return tuple(broken)


def _root(obj: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule at the root may see: of the metadata only the names."""
    metadata = obj.get("metadata") or {}
    names = {key: metadata[key] for key in ("name", "generateName") if key in metadata}
    return {**obj, "metadata": names}


@dataclass(frozen=True, slots=True)
class _Place:
    schema: Mapping[str, Any]
    new: Any
    old: Any
    has_old: bool
    path: str


def _places(
    schema: Mapping[str, Any], steps: Steps, new: Any, old: Any, *, path: str
) -> Iterator[_Place]:
    if not steps:
        yield _Place(schema, new, old, old is not None, path)
        return
    step, rest = steps[0], steps[1:]
    if step == "[]" and isinstance(new, list):
        for index, item in enumerate(new):
            yield from _places(
                schema["items"], rest, item, _paired(schema, item, old), path=f"{path}[{index}]"
            )
    elif step == "{}" and isinstance(new, Mapping):
        known = schema.get("properties") or {}
        for key, item in new.items():
            if key not in known:
                below = f"{path}.{key}" if path else key
                yield from _places(
                    schema["additionalProperties"], rest, item, _member(old, key), path=below
                )
    elif isinstance(new, Mapping) and new.get(step) is not None:
        yield from _places(
            schema["properties"][step],
            rest,
            new[step],
            _member(old, step),
            path=f"{path}.{step}" if path else step,
        )


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _paired(schema: Mapping[str, Any], item: Any, old: Any) -> Any:
    keys = schema.get("x-kubernetes-list-map-keys")
    if schema.get("x-kubernetes-list-type") != "map" or not keys or not isinstance(old, list):
        return None
    for candidate in old:
        if all(_member(candidate, key) == _member(item, key) for key in keys):
            return candidate
    return None


class _Converted:
    """The CEL forms of the values of one check: most rules look at the same few."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}

    def of(self, value: Any, schema: Mapping[str, Any]) -> Any:
        """The CEL form of a value; the value is kept, so that its id stays its own."""
        if id(value) not in self._known:
            self._known[id(value)] = (value, to_cel(value, schema))
        return self._known[id(value)][1]


def _judge(rule: Rule, place: _Place, converted: _Converted) -> Cause | None:
    if rule.needs_old and not place.has_old:
        return None
    if not rule.needs_old and place.has_old and place.new == place.old:
        return None
    names = {"self": converted.of(place.new, place.schema)}
    if rule.needs_old:
        names["oldSelf"] = converted.of(place.old, place.schema)
    message = rule.message
    try:
        if rule.program(names):
            return None
        if rule.message_program is not None:
            message = str(rule.message_program(names))
    except evaluation.CELEvalError as error:
        message = f"rule evaluation error: {error.args[0]}: {' '.join(rule.text.split())}"
    word = _REASONS.get(rule.reason, "Invalid value")
    shown = f'{word}: "{place.schema.get("type", "object")}": {message}'
    text = shown if word in {"Invalid value", "Duplicate value"} else f"{word}: {message}"
    path = f"{place.path}{rule.field}" if place.path else rule.field.lstrip(".")
    return Cause(path or "<nil>", rule.reason, text)


def to_cel(value: Any, schema: Mapping[str, Any]) -> Any:
    """A JSON value as the CEL type its schema gives it (dates and durations among them)."""
    if isinstance(value, Mapping):
        known = schema.get("properties") or {}
        extra = schema.get("additionalProperties")
        rest = extra if isinstance(extra, Mapping) else {}
        return celtypes.MapType(
            {
                celtypes.StringType(key): to_cel(item, known.get(key, rest))
                for key, item in value.items()
            }
        )
    if isinstance(value, list):
        return celtypes.ListType([to_cel(item, schema.get("items") or {}) for item in value])
    if isinstance(value, str):
        if schema.get("format") == "date-time":
            return celtypes.TimestampType(datetime.datetime.fromisoformat(value))
        if schema.get("format") == "duration":
            return celtypes.DurationType(value)
        return celtypes.StringType(value)
    if schema.get("type") == "number" and isinstance(value, int) and not isinstance(value, bool):
        return celtypes.DoubleType(value)
    return adapter.json_to_cel(value)
