"""Which tests may run beside which, where pytest runs several processes."""

import contextlib
import fcntl
import threading
from pathlib import Path

import alone
import pytest

pytest_plugins = ["pytester"]

WITHIN_S = 20.0
PLUGINS = Path(__file__).parents[2] / "plugins"
SETTINGS = f"""
[pytest]
addopts = --import-mode=importlib -p xdist
pythonpath = {PLUGINS}
markers =
    alone: as in our own settings
"""
TESTS = """
import pathlib, time
import pytest

NOTES = pathlib.Path({notes!r})

@pytest.fixture(autouse=True)
def here(request):
    note = NOTES / request.node.name
    note.touch()
    yield
    note.unlink()

@pytest.mark.parametrize("number", range(6))
def test_with_others(number):
    time.sleep(0.2)

@pytest.mark.alone
@pytest.mark.parametrize("number", range(3))
def test_alone(request, number):
    for _ in range(20):
        assert [note.name for note in NOTES.iterdir()] == [request.node.name]
        time.sleep(0.01)
"""


class OnTheFloor(threading.Thread):
    """A process of pytest, played by a thread: it runs one test until it is told to end it."""

    def __init__(self, folder: Path, *, is_alone: bool) -> None:
        super().__init__(daemon=True)
        self.folder, self.is_alone = folder, is_alone
        self.entered, self.told_to_end = threading.Event(), threading.Event()
        self.start()

    def run(self) -> None:
        with alone.on_the_floor(self.folder, alone=self.is_alone):
            self.entered.set()
            self.told_to_end.wait(WITHIN_S)

    def end(self) -> None:
        self.told_to_end.set()
        self.join(WITHIN_S)
        assert not self.is_alive()


def until_turnstile_is_held(folder: Path) -> None:
    with (folder / "turnstile").open("a") as turnstile, contextlib.suppress(BlockingIOError):
        for _ in range(100_000):
            fcntl.flock(turnstile, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(turnstile, fcntl.LOCK_UN)
        raise AssertionError("nobody waits")


def test_tests_run_side_by_side(tmp_path: Path) -> None:
    both = [OnTheFloor(tmp_path, is_alone=False) for _ in range(2)]
    assert all(one.entered.wait(WITHIN_S) for one in both)
    for one in both:
        one.end()


def test_one_that_is_alone_waits_for_those_before_it_and_those_after_wait_for_it(
    tmp_path: Path,
) -> None:
    before = OnTheFloor(tmp_path, is_alone=False)
    assert before.entered.wait(WITHIN_S)
    lonely = OnTheFloor(tmp_path, is_alone=True)
    until_turnstile_is_held(tmp_path)
    after = OnTheFloor(tmp_path, is_alone=False)

    assert not lonely.entered.is_set()
    before.end()
    assert lonely.entered.wait(WITHIN_S)
    assert not after.entered.is_set()
    lonely.end()
    assert after.entered.wait(WITHIN_S)
    after.end()


def test_a_process_that_dies_on_the_floor_keeps_nobody_waiting(tmp_path: Path) -> None:
    # The kernel closes what the process had open; so does the end of this block.
    with (tmp_path / "floor").open("a") as floor, (tmp_path / "turnstile").open("a") as turnstile:
        fcntl.flock(turnstile, fcntl.LOCK_EX)
        fcntl.flock(floor, fcntl.LOCK_EX)
    with alone.on_the_floor(tmp_path, alone=True):
        pass


def test_the_mark_keeps_others_away(
    pytester: pytest.Pytester, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    notes = tmp_path / "notes"
    notes.mkdir()
    pytester.makeini(SETTINGS)
    pytester.makeconftest('pytest_plugins = ["alone"]')
    pytester.makepyfile(TESTS.format(notes=str(notes)))
    done = pytester.runpytest_subprocess("-n", "3", "--dist", "load")
    done.assert_outcomes(passed=9)
