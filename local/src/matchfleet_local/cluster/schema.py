"""Structural schemas of custom resources: pruning, defaulting and validation.

These three, in this order, are what the API server does with a custom resource before it stores
it. Only the constructs a structural schema may use are read; the messages are the server's own,
so that a person sees the same sentence on both substrates.
"""

import datetime
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matchfleet_local.cluster.errors import Cause

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_INT_OR_STRING = "x-kubernetes-int-or-string"
_EMBEDDED = "x-kubernetes-embedded-resource"
# Never pruned at the root of a resource.
_ROOT_FIELDS = frozenset({"apiVersion", "kind", "metadata"})

_INT64 = 2**63
_DURATION = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)([\d.]+(ns|us|µs|ms|s|m|h))*|0")

Schema = Mapping[str, Any]


def prune(value: Any, schema: Schema, *, root: bool = True) -> tuple[Any, tuple[str, ...]]:
    """The value without the fields its schema does not name, and the paths of those fields."""
    unknown: list[str] = []
    return _pruned(value, schema, "", unknown, keep_type=root), tuple(unknown)


def _pruned(value: Any, schema: Schema, path: str, unknown: list[str], *, keep_type: bool) -> Any:
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [
            _pruned(item, items, f"{path}[{index}]", unknown, keep_type=False)
            for index, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    keep_type = keep_type or bool(schema.get(_EMBEDDED))
    known = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    result: dict[str, Any] = {}
    for key, item in value.items():
        below = f"{path}.{key}" if path else key
        if keep_type and key in _ROOT_FIELDS:
            result[key] = item
        elif key in known:
            result[key] = _pruned(item, known[key], below, unknown, keep_type=False)
        elif isinstance(extra, Mapping):
            result[key] = _pruned(item, extra, below, unknown, keep_type=False)
        elif extra is True or schema.get(_PRESERVE):
            result[key] = item
        else:
            unknown.append(below)
    return result


def default(value: Any, schema: Schema) -> Any:
    """The value with the schema's defaults filled in.

    A null where null is not allowed counts as absent, as in the API server.
    """
    if isinstance(value, list):
        return [default(item, schema.get("items") or {}) for item in value]
    if not isinstance(value, dict):
        return value
    result = dict(value)
    for key, below in (schema.get("properties") or {}).items():
        if key in result and result[key] is None and not below.get("nullable"):
            if "default" in below:
                result[key] = below["default"]
            else:
                del result[key]
        elif key not in result and "default" in below:
            result[key] = below["default"]
        if key in result:
            result[key] = default(result[key], below)
    extra = schema.get("additionalProperties")
    if isinstance(extra, Mapping):
        known = schema.get("properties") or {}
        for key in result.keys() - known.keys():
            result[key] = default(result[key], extra)
    return result


def validate(value: Any, schema: Schema, path: str = "") -> tuple[Cause, ...]:
    """Every rule of the schema that the value breaks, in the order of the schema."""
    return tuple(_broken(value, schema, path))


def _broken(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if value is None and schema.get("nullable"):
        return
    mistyped = _type_cause(value, schema, path)
    if mistyped is not None:
        yield mistyped
        return
    if "enum" in schema and value not in schema["enum"]:
        supported = ", ".join(json.dumps(choice) for choice in schema["enum"])
        yield Cause(
            path,
            "FieldValueNotSupported",
            f"Unsupported value: {json.dumps(value)}: supported values: {supported}",
        )
    if isinstance(value, bool):
        pass
    elif isinstance(value, int | float):
        yield from _number(value, schema, path)
    elif isinstance(value, str):
        yield from _string(value, schema, path)
    elif isinstance(value, list):
        yield from _list(value, schema, path)
    elif isinstance(value, dict):
        yield from _object(value, schema, path)
    yield from _junctors(value, schema, path)


def _invalid(path: str, value: Any, message: str) -> Cause:
    shown = json.dumps(value) if not isinstance(value, dict | list) else json.dumps(_type_of(value))
    return Cause(path, "FieldValueInvalid", f"Invalid value: {shown}: {path} in body {message}")


def _too_many(count: int, most: int) -> str:
    noun = "item" if most == 1 else "items"
    return f"Too many: {count}: must have at most {most} {noun}"


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return "number"
    for kind, name in ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string")):
        if isinstance(value, kind):
            return name
    return "array" if isinstance(value, list) else "object"


def _type_cause(value: Any, schema: Schema, path: str) -> Cause | None:
    actual = _type_of(value)
    if schema.get(_INT_OR_STRING):
        fits, wanted = actual in {"integer", "string"}, "integer,string"
    elif "type" not in schema:
        return None
    else:
        wanted = schema["type"]
        fits = actual == wanted or (wanted == "number" and actual == "integer")
        fits = fits or (wanted == "integer" and isinstance(value, float) and value.is_integer())
    if fits:
        return None
    return Cause(
        path,
        "FieldValueTypeInvalid",
        f'Invalid value: "{actual}": {path} in body must be of type {wanted}: "{actual}"',
    )


def _number(value: float, schema: Schema, path: str) -> Iterator[Cause]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None:
        if schema.get("exclusiveMinimum") and value <= low:
            yield _invalid(path, value, f"should be greater than {low}")
        elif value < low:
            yield _invalid(path, value, f"should be greater than or equal to {low}")
    if high is not None:
        if schema.get("exclusiveMaximum") and value >= high:
            yield _invalid(path, value, f"should be less than {high}")
        elif value > high:
            yield _invalid(path, value, f"should be less than or equal to {high}")
    step = schema.get("multipleOf")
    if step and value % step:
        yield _invalid(path, value, f"should be a multiple of {step}")


def _string(value: str, schema: Schema, path: str) -> Iterator[Cause]:
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if shortest is not None and len(value) < shortest:
        yield _invalid(path, value, f"should be at least {shortest} chars long")
    if longest is not None and len(value) > longest:
        yield Cause(path, "FieldValueTooLong", f"Too long: may not be more than {longest} bytes")
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        yield _invalid(path, value, f"should match '{pattern}'")
    form = schema.get("format")
    if form in _FORMATS and not _has_format(value, form):
        shown = json.dumps(value)
        yield Cause(
            path,
            "FieldValueTypeInvalid",
            f"Invalid value: {shown}: {path} in body must be of type {form}: {shown}",
        )


def _is_date_time(value: str) -> None:
    if "T" not in value.upper() or datetime.datetime.fromisoformat(value).tzinfo is None:
        raise ValueError(value)


def _is_date(value: str) -> None:
    datetime.date.fromisoformat(value)


def _is_duration(value: str) -> None:
    if not _DURATION.fullmatch(value):
        raise ValueError(value)


_FORMATS = {"date-time": _is_date_time, "date": _is_date, "duration": _is_duration}


def _has_format(value: str, form: str) -> bool:
    try:
        _FORMATS[form](value)
    except ValueError:
        return False
    return True


def _list(value: Sequence[Any], schema: Schema, path: str) -> Iterator[Cause]:
    fewest, most = schema.get("minItems"), schema.get("maxItems")
    if fewest is not None and len(value) < fewest:
        yield _invalid(path, len(value), f"should have at least {fewest} items")
    if most is not None and len(value) > most:
        yield Cause(path, "FieldValueTooMany", _too_many(len(value), most))
    yield from _duplicates(value, schema, path)
    items = schema.get("items")
    if items:
        for index, item in enumerate(value):
            yield from _broken(item, items, f"{path}[{index}]")


def _duplicates(value: Sequence[Any], schema: Schema, path: str) -> Iterator[Cause]:
    kind = schema.get("x-kubernetes-list-type")
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if kind not in {"map", "set"}:
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        shown = {key: item.get(key) for key in keys} if isinstance(item, Mapping) else item
        identity = json.dumps(shown, sort_keys=True)
        if identity in seen:
            text = json.dumps(shown, separators=(",", ":"))
            yield Cause(f"{path}[{index}]", "FieldValueDuplicate", f"Duplicate value: {text}")
        seen.add(identity)


def _object(value: Mapping[str, Any], schema: Schema, path: str) -> Iterator[Cause]:
    for key in schema.get("required") or ():
        if key not in value:
            yield Cause(_below(path, key), "FieldValueRequired", "Required value")
    fewest, most = schema.get("minProperties"), schema.get("maxProperties")
    if fewest is not None and len(value) < fewest:
        yield _invalid(path, len(value), f"should have at least {fewest} properties")
    if most is not None and len(value) > most:
        yield Cause(path, "FieldValueTooMany", _too_many(len(value), most))
    known = schema.get("properties") or {}
    extra = schema.get("additionalProperties")
    for key, item in value.items():
        if key in known:
            yield from _broken(item, known[key], _below(path, key))
        elif isinstance(extra, Mapping):
            yield from _broken(item, extra, _below(path, key))


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _junctors(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    for branch in schema.get("allOf") or ():
        yield from _broken(value, branch, path)
    for word, fits in (("anyOf", _any), ("oneOf", _one)):
        branches = schema.get(word)
        if branches and not fits(value, branches, path):
            yield _invalid(path, value, f"must validate {_JUNCTOR_WORDS[word]} schema ({word})")
    refused = schema.get("not")
    if refused and not validate(value, refused, path):
        yield _invalid(path, value, "must not validate the schema (not)")


_JUNCTOR_WORDS = {"anyOf": "at least one", "oneOf": "one and only one"}


def _any(value: Any, branches: Sequence[Schema], path: str) -> bool:
    return any(not validate(value, branch, path) for branch in branches)


def _one(value: Any, branches: Sequence[Schema], path: str) -> bool:
    return sum(not validate(value, branch, path) for branch in branches) == 1
