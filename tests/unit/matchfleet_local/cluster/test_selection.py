"""Selectors select what the API's grammar says, and refuse everything else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import errors, selection

RED = {"color": "red", "size": "1"}


@pytest.mark.parametrize(
    ("text", "labels", "matches"),
    [
        ("", {}, True),
        ("color=red", RED, True),
        ("color==red", RED, True),
        ("color=blue", RED, False),
        ("color=", {"color": ""}, True),
        ("color!=red", RED, False),
        ("color!=red", {}, True),
        ("color", RED, True),
        ("color", {}, False),
        ("!color", {}, True),
        ("!color", RED, False),
        ("color in (red, blue)", RED, True),
        ("color in (blue)", RED, False),
        ("color in (red)", {}, False),
        ("color notin (red)", {}, True),
        ("color notin (red)", RED, False),
        ("color=red,size in (1,2)", RED, True),
        ("color=red,size notin (1,2)", RED, False),
        ("a.b/c=d", {"a.b/c": "d"}, True),
    ],
)
def test_label_terms(text: str, labels: dict[str, str], matches: bool) -> None:
    chosen = selection.parse(text, "")
    assert chosen.matches({"metadata": {"labels": labels}}) is matches


@pytest.mark.parametrize("text", ["a b", "=x", "a in", "a in (b", "a,,(b)", "a=b=c", "-a"])
def test_what_is_no_label_selector_is_refused(text: str) -> None:
    with pytest.raises(errors.BadRequest):
        selection.parse(text, "")


@pytest.mark.parametrize(
    ("text", "obj", "matches"),
    [
        ("metadata.name=a", {"metadata": {"name": "a"}}, True),
        ("metadata.name!=a", {"metadata": {"name": "a"}}, False),
        ("spec.on=true", {"metadata": {}, "spec": {"on": True}}, True),
        ("spec.on=3", {"metadata": {}, "spec": {"on": 3}}, True),
        ("spec.on=", {"metadata": {}}, True),
        ("spec.on=", {"metadata": {}, "spec": "text"}, True),
    ],
)
def test_field_terms(text: str, obj: dict[str, Any], matches: bool) -> None:
    assert selection.parse("", text, known_fields=("spec.on",)).matches(obj) is matches


@pytest.mark.parametrize("text", ["spec.other=1", "metadata.name in (a)", "metadata.name"])
def test_an_unknown_field_or_operator_is_refused(text: str) -> None:
    with pytest.raises(errors.BadRequest):
        selection.parse("", text)


words = st.text("abc", min_size=1, max_size=3)


@given(labels=st.dictionaries(words, words), key=words, values=st.sets(words, min_size=1))
def test_in_and_notin_are_opposites(labels: dict[str, str], key: str, values: set[str]) -> None:
    obj = {"metadata": {"labels": labels}}
    listed = ",".join(sorted(values))
    within = selection.parse(f"{key} in ({listed})", "").matches(obj)
    without = selection.parse(f"{key} notin ({listed})", "").matches(obj)
    assert within is not without
    assert within is (labels.get(key) in values)
