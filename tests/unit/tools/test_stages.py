"""Which stage of `make test` runs when."""

import subprocess
from pathlib import Path

import pytest

from tools import e2e, stages

ROOT = Path(__file__).parents[3]
A = stages.Stage("a", "")
B = stages.Stage("b", "", needs=("a",))
C = stages.Stage("c", "", needs=("a",))
D = stages.Stage("d", "", in_background=True)
E = stages.Stage("e", "", needs=("a",))


@pytest.mark.parametrize(
    ("passed", "running", "begins"),
    [
        pytest.param([], [], ["a", "d"], id="what-needs-nothing"),
        pytest.param([], ["a", "d"], [], id="needs-are-waited-for"),
        pytest.param(["a"], ["d"], ["b", "c"], id="the-background-takes-no-place"),
        pytest.param(["a"], ["b", "c"], ["d"], id="the-background-waits-for-no-place"),
        pytest.param(["a", "b"], ["c", "d"], ["e"], id="a-place-that-is-free-is-taken"),
        pytest.param(["a", "b", "c", "d", "e"], [], [], id="nothing-runs-twice"),
    ],
)
def test_what_begins(passed: list[str], running: list[str], begins: list[str]) -> None:
    chosen = stages.to_begin((A, B, C, D, E), passed=passed, running=running, at_a_time=2)
    assert [stage.verb for stage in chosen] == begins


def test_the_stages_come_to_an_end_in_an_order_that_their_needs_allow() -> None:
    passed: list[str] = []
    while len(passed) < len(stages.STAGES):
        chosen = stages.to_begin(stages.STAGES, passed=passed, running=(), at_a_time=1)
        assert chosen, f"nothing can follow {passed}"
        passed += [stage.verb for stage in chosen]
    assert passed[:2] == ["setup", "check"]


def test_nothing_begins_beside_the_installation_of_the_environment() -> None:
    assert [s.verb for s in stages.to_begin(stages.STAGES, passed=(), running=())] == ["setup"]
    assert not stages.to_begin(stages.STAGES, passed=(), running=("setup",))


@pytest.mark.parametrize("stage", stages.STAGES, ids=lambda stage: stage.verb)
def test_every_stage_and_what_shows_it_again_is_a_verb_of_make(stage: stages.Stage) -> None:
    for verb in {stage.verb, stage.again}:
        subprocess.run(["make", "-n", verb], cwd=ROOT, check=True, capture_output=True)


def test_stories_that_disturb_come_after_those_that_do_not() -> None:
    beside, alone = e2e.commands("", processes=3)
    assert beside[-6:] == ["-m", "not alone", "-n", "3", "--dist", "loadgroup"]
    assert alone[-2:] == ["-m", "alone"]


def test_stories_that_are_named_are_told_in_one_process() -> None:
    (command,) = e2e.commands("story_3", processes=3)
    assert command[-2:] == ["-k", "story_3"]


@pytest.mark.parametrize(
    ("codes", "expected"), [([0, 0], 0), ([0, 1], 1), ([1, 0], 1), ([5, 0], 0), ([5, 5], 5)]
)
def test_one_failure_is_enough_and_no_story_at_all_is_one(codes: list[int], expected: int) -> None:
    assert e2e.verdict(codes) == expected
