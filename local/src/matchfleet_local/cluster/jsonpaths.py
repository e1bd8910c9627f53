"""The JSONPaths of printer columns: `.a.b`, `.a['b']`, `.a[0]`, `.a[*].b`, `[?(@.k=="v")]`.

This is the part of kubectl's JSONPath that a CustomResourceDefinition's columns use.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_TOKEN = re.compile(
    r"""
    \.(?P<name>(?:[^.\[\]\\]|\\.)+)
    | \[(?P<index>-?\d+)\]
    | \[(?P<star>\*)\]
    | \[['"](?P<quoted>[^'"]+)['"]\]
    | \[\?\(@\.(?P<key>[\w.\-]+)\s*(?P<op>==|!=)\s*['"]?(?P<wanted>[^'")]*)['"]?\)\]
    """,
    re.VERBOSE,
)

Step = Callable[[Any], Iterable[Any]]


def find(obj: Any, path: str) -> tuple[Any, ...]:
    """Every value the path leads to; empty when there is none.

    Raises:
        ValueError: the path uses something that is not known here.
    """
    values: Iterable[Any] = (obj,)
    for step in _steps(path):
        values = [found for value in values for found in step(value)]
    return tuple(values)


def _steps(path: str) -> Iterator[Step]:
    position = 0
    while position < len(path):
        token = _TOKEN.match(path, position)
        if token is None:
            raise ValueError(f"JSONPath {path!r} is not understood at {path[position:]!r}")
        position = token.end()
        yield _step(token)


def _step(token: re.Match[str]) -> Step:
    if token["name"] or token["quoted"]:
        return _member((token["name"] or token["quoted"]).replace("\\", ""))
    if token["star"]:
        return _all
    if token["index"]:
        return _item(int(token["index"]))
    return _filter(token["key"], token["wanted"], equal=token["op"] == "==")


def _member(name: str) -> Step:
    def step(value: Any) -> Iterable[Any]:
        return (value[name],) if isinstance(value, Mapping) and name in value else ()

    return step


def _item(index: int) -> Step:
    def step(value: Any) -> Iterable[Any]:
        fits = isinstance(value, list) and -len(value) <= index < len(value)
        return (value[index],) if fits else ()

    return step


def _all(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return tuple(value.values())
    return value if isinstance(value, list) else ()


def _filter(key: str, wanted: str, *, equal: bool) -> Step:
    def step(value: Any) -> Iterable[Any]:
        items = value if isinstance(value, list) else ()
        return [item for item in items if (_text(find(item, f".{key}")) == wanted) == equal]

    return step


def _text(values: tuple[Any, ...]) -> str:
    if not values:
        return ""
    value = values[0]
    return str(value).lower() if isinstance(value, bool) else str(value)
