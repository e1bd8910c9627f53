"""Label and field selectors: parsing a query string, and matching objects.

The grammar is that of `labelSelector` and `fieldSelector` query parameters: equality, set terms
(`in`, `notin`), existence (`key`, `!key`), comma is AND.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchfleet_local.cluster import errors

_SET_TERM = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUALITY = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<op>==|!=|=)\s*(?P<value>[^\s!=,()]*)$")
_EXISTS = re.compile(r"^(?P<absent>!?)\s*(?P<key>[^\s!=,()]+)$")
_KEY = re.compile(
    r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)

# Every kind can be selected by these; other fields are declared by the kind.
COMMON_FIELDS = ("metadata.name", "metadata.namespace")


@dataclass(frozen=True, slots=True)
class Term:
    """One requirement: the key's value is (or is not) among `values`.

    Attributes:
        values: None asks only whether the key exists.
        negated: turns the term around; a missing key then matches.
    """

    key: str
    values: frozenset[str] | None
    negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy this term."""
        if self.values is None:
            return (self.key in labels) != self.negated
        return (self.key in labels and labels[self.key] in self.values) != self.negated


@dataclass(frozen=True, slots=True)
class Selector:
    """Everything a list or watch asks of an object; the empty selector takes all."""

    labels: tuple[Term, ...] = ()
    fields: tuple[Term, ...] = ()

    def matches(self, obj: Mapping[str, Any]) -> bool:
        """Whether the object is selected."""
        labels = (obj.get("metadata") or {}).get("labels") or {}
        return all(term.matches(labels) for term in self.labels) and all(
            term.matches({term.key: field_value(obj, term.key)}) for term in self.fields
        )


ALL = Selector()


def field_value(obj: Mapping[str, Any], dotted: str) -> str:
    """The text of a field as selectors compare it; a missing field is the empty text."""
    value: Any = obj
    for part in dotted.split("."):
        if not isinstance(value, Mapping):
            return ""
        value = value.get(part)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def parse(
    label_selector: str, field_selector: str, *, known_fields: tuple[str, ...] = ()
) -> Selector:
    """Read both query parameters.

    Raises:
        BadRequest: the text is no selector, or names a field the kind does not support.
    """
    return Selector(
        labels=tuple(_label_term(text) for text in _split(label_selector)),
        fields=tuple(_field_term(text, known_fields) for text in _split(field_selector)),
    )


def _split(text: str) -> list[str]:
    terms, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            terms.append(text[start:index].strip())
            start = index + 1
    terms.append(text[start:].strip())
    return [term for term in terms if term]


def _label_term(text: str) -> Term:
    term = _read_label_term(text)
    if term is None or not _KEY.match(term.key):
        raise errors.BadRequest(f"unable to parse requirement: <nil>: Invalid value: {text!r}")
    return term


def _read_label_term(text: str) -> Term | None:
    if found := _SET_TERM.match(text):
        values = frozenset(value.strip() for value in found["values"].split(","))
        return Term(found["key"], values, negated=found["op"] == "notin")
    if found := _EQUALITY.match(text):
        return Term(found["key"], frozenset({found["value"]}), negated=found["op"] == "!=")
    if found := _EXISTS.match(text):
        return Term(found["key"], None, negated=bool(found["absent"]))
    return None


def _field_term(text: str, known_fields: tuple[str, ...]) -> Term:
    found = _EQUALITY.match(text)
    if found is None:
        raise errors.BadRequest(f"invalid field selector: {text!r}; can't understand it")
    if found["key"] not in COMMON_FIELDS and found["key"] not in known_fields:
        raise errors.BadRequest(f"field label not supported: {found['key']}")
    return Term(found["key"], frozenset({found["value"]}), negated=found["op"] == "!=")
