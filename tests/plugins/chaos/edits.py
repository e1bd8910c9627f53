"""Random edits of Matches and Fleets, drawn from their schemas, and which of them are admitted.

Every field is changed to values that its schema allows, that lie just beyond what it allows, and
that are of another type. What is admitted is decided by the schema and its rules as `local` keeps
them; that `local` agrees with a real API server is proven by the contract suite.
"""

import copy
import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from matchfleet_local.cluster import rules, schema

Object = dict[str, Any]
Path_ = tuple[str, ...]
CRDS = Path(__file__).parents[3] / "crds"
NOTHING = object()
"""What stands for a field that is left out."""
WORDS = (
    "airhockey",
    "pong",
    "eu",
    "us",
    "a-b",
    "game",
    "TCP",
    "UDP",
    "main",
    "x",
    "2030-01-01T00:00:00Z",
)
WRONG: tuple[Any, ...] = (None, -1, "", "Ü" * 3, "x" * 600, 2**40, 1.5, [], {}, True, [{}])
FEW = frozenset({"warm", "minWarm", "maxWarm", "buffer", "max", "playersPerMatch"})
"""Fields whose greatest values would only cost time: so many pods."""
FEW_MOST = 6


@dataclass(frozen=True)
class Resource:
    """A resource of ours as its definition says."""

    kind: str
    shape: Mapping[str, Any]
    rules: rules.Rules

    def admitted(self, new: Object, old: Object | None) -> Object | None:
        """The object as it would be stored; None if it would be refused."""
        kept, _ = schema.prune(_as_sent(new), self.shape)
        old = None if old is None else _as_sent(old)
        kept = schema.default(kept, self.shape)
        if schema.validate(kept, self.shape) or rules.check(self.rules, kept, old):
            return None
        found: Object = kept
        return found

    def wrong(self, found: Object) -> str:
        """What of an object does not follow its schema; empty if all does."""
        return "; ".join(map(str, schema.validate(_as_sent(found), self.shape)))


def _as_sent(found: Object) -> Object:
    sent: Object = msgspec.json.decode(msgspec.json.encode(found))
    return sent


@cache
def resource(name: str) -> Resource:
    """`matches` or `fleets`."""
    definition = yaml.safe_load((CRDS / f"{name}.yaml").read_text())["spec"]
    shape = definition["versions"][0]["schema"]["openAPIV3Schema"]
    return Resource(definition["names"]["kind"], shape, rules.compile_rules(shape))


def fields(shape: Mapping[str, Any], path: Path_ = ()) -> Iterator[tuple[Path_, Mapping[str, Any]]]:
    """Every field below a schema; of a list, those of its first item."""
    for name, below in (shape.get("properties") or {}).items():
        yield (*path, name), below
        yield from fields(below, (*path, name))
    if isinstance(shape.get("items"), Mapping):
        yield (*path, "0"), shape["items"]
        yield from fields(shape["items"], (*path, "0"))


def of_spec(found: Resource) -> list[tuple[Path_, Mapping[str, Any]]]:
    """Every field of a spec."""
    return list(fields(found.shape["properties"]["spec"], ("spec",)))


def edited(base: Object, found: Resource, rng: random.Random) -> Object:
    """An object with one field of its spec changed, removed or added."""
    new = copy.deepcopy(base)
    path, shape = rng.choice(of_spec(found))
    _set(new, path, _value(path[-1], shape, rng))
    return new


def _set(target: Any, path: Path_, value: Any) -> None:
    for step, after in itertools.pairwise(path):
        target = _below(target, step, [] if after == "0" else {})
        if target is None:
            return
    step = path[-1]
    if isinstance(target, list):
        target[:1] = [] if value is NOTHING else [value]
    elif isinstance(target, dict) and value is NOTHING:
        target.pop(step, None)
    elif isinstance(target, dict):
        target[step] = value


def _below(target: Any, step: str, empty: Any) -> Any:
    if isinstance(target, list):
        if not target:
            target.append(empty)
        return target[0]
    if isinstance(target, dict):
        if not isinstance(target.get(step), (dict, list)):
            target[step] = empty
        return target[step]
    return None


def _value(name: str, shape: Mapping[str, Any], rng: random.Random) -> Any:
    if rng.random() < 0.15:
        return rng.choice(WRONG)
    if rng.random() < 0.1:
        return NOTHING
    return _of_shape(name, shape, rng)


def _of_shape(name: str, shape: Mapping[str, Any], rng: random.Random) -> Any:
    if "enum" in shape:
        return rng.choice(shape["enum"])
    if shape.get("x-kubernetes-int-or-string"):
        return rng.choice([0, 1, 3, "0%", "50%", "200%", "x%"])
    match shape.get("type"):
        case "integer":
            return _number(name, shape, rng)
        case "boolean":
            return rng.random() < 0.5
        case "string":
            return rng.choice(WORDS)
        case "array":
            count = rng.choice([0, 1, 1, 2, 3])
            return [_of_shape(name, shape.get("items") or {}, rng) for _ in range(count)]
        case _:
            return _members(shape, rng)


def _number(name: str, shape: Mapping[str, Any], rng: random.Random) -> int:
    least, most = shape.get("minimum", 0), shape.get("maximum", 2**31)
    near = [least, least + 1, min(most, least + rng.randrange(5)), least - 1, most + 1]
    return int(rng.choice(near if name in FEW else [*near, most]))


def _members(shape: Mapping[str, Any], rng: random.Random) -> Object:
    wanted = set(shape.get("required") or ())
    known = shape.get("properties") or {}
    made = {
        name: _of_shape(name, below, rng)
        for name, below in known.items()
        if name in wanted or rng.random() < 0.5
    }
    if isinstance(shape.get("additionalProperties"), Mapping) and rng.random() < 0.5:
        made["key"] = _of_shape("key", shape["additionalProperties"], rng)
    return made
