"""Probe answers become verdicts by their thresholds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import probing


@given(
    answers=st.lists(st.booleans(), max_size=30),
    successes=st.integers(1, 3),
    failures=st.integers(1, 4),
    first=st.booleans(),
)
def test_a_verdict_turns_after_enough_answers_in_a_row(
    answers: list[bool], successes: int, failures: int, first: bool
) -> None:
    check = probing.Check("http", 1, successes=successes, failures=failures)
    tally, verdict, run = probing.Tally(first), first, 0
    for answer in answers:
        tally = tally.after(answer=answer, check=check)
        run = 0 if answer == verdict else run + 1
        if run == (successes if answer else failures):
            verdict, run = answer, 0
        assert tally.verdict is verdict


CONTAINER: dict[str, Any] = {"name": "c", "ports": [{"name": "web", "containerPort": 8080}]}


def test_ports_have_names_or_numbers() -> None:
    probe = {"httpGet": {"port": "web", "path": "/x"}, "periodSeconds": 2, "failureThreshold": 5}
    check = probing.read({**CONTAINER, "livenessProbe": probe}, "livenessProbe")
    assert check == probing.Check("http", 8080, "/x", period_s=2, failures=5)
    tcp = probing.read({**CONTAINER, "p": {"tcpSocket": {"port": 9}}}, "p")
    assert tcp is not None
    assert (tcp.kind, tcp.port) == ("tcp", 9)
    assert probing.read(CONTAINER, "livenessProbe") is None


@pytest.mark.parametrize(
    "probe", [{"exec": {"command": ["x"]}}, {"httpGet": {"port": "none"}}], ids=["exec", "port"]
)
def test_a_probe_that_cannot_be_run_is_refused(probe: dict[str, Any]) -> None:
    with pytest.raises(probing.UnknownProbe):
        probing.read({**CONTAINER, "p": probe}, "p")
