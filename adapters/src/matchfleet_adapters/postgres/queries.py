"""SQL in files, found by name: `sql/<file>.sql` holds queries under `-- name: <query>` lines.

The text is read once, on first use, never at import.
"""

import functools
import importlib.resources
import re
from collections.abc import Mapping
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (?P<name>[a-z_0-9]+)$", re.MULTILINE)


def query(file: str, name: str) -> str:
    """The text of one named query.

    Raises:
        KeyError: there is no such query: a mistake of ours, which the tests find.
    """
    return queries(file)[name]


@functools.cache
def queries(file: str) -> Mapping[str, str]:
    """All queries of one file by name."""
    path = importlib.resources.files("matchfleet_adapters.postgres").joinpath("sql", f"{file}.sql")
    return MappingProxyType(parse(path.read_text(encoding="utf-8")))


def parse(text: str) -> dict[str, str]:
    """The queries of a file's text by name; comments before the first name are for readers."""
    parts = _NAME.split(text)[1:]
    names = parts[0::2]
    if len(set(names)) != len(names):
        raise ValueError(f"a query is named twice: {sorted(names)}")
    return {name: body.strip() for name, body in zip(names, parts[1::2], strict=True)}
