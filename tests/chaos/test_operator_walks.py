"""A choice of the random walks of tests/plugins/chaos; `make chaos-operator` walks a thousand."""

import random

import pytest
from chaos import edits, walks

SEEDS = range(2000, 2050)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_operator_keeps_up_with_every_edit(seed):
    assert walks.walk(seed).problem == ""


@pytest.mark.parametrize("plural", ["fleets", "matches"])
def test_edits_reach_every_field_and_are_taken_and_refused(plural):
    found = edits.resource(plural)
    spec = walks.FLEET if plural == "fleets" else walks.MATCH
    base = {"apiVersion": "v", "kind": found.kind, "metadata": {"name": "x"}, "spec": spec}
    rng = random.Random(1)
    answers = [found.admitted(edits.edited(base, found, rng), None) for _ in range(300)]
    taken = [a for a in answers if a is not None]
    assert 100 < len(taken) < 250
    assert len({str(a["spec"]) for a in taken}) > 50


def test_a_walk_tells_what_it_found(monkeypatch):
    def breaks(_walk: walks.Walk) -> None:
        raise ValueError("found")

    monkeypatch.setattr(walks.Walk, "scale", breaks)
    problems = [walks.walk(seed).problem for seed in range(6)]
    assert any("ValueError: found" in problem for problem in problems)
