"""The result is written once, and always fits."""

import threading
from pathlib import Path

from matchfleet_contracts import results
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Outcome, Result, Standing
from matchfleet_gameserver import termination


def _result(*standings: Standing, ticks: int = 1) -> Result:
    return Result(
        match_uid="uid",
        outcome=Outcome.COMPLETED if standings else Outcome.VOID,
        standings=list(standings),
        ticks=ticks,
        tick_hz=60,
        achieved_hz=60.0,
        late_ticks=0,
        reason=None if standings else Reason.DRAINED,
    )


def test_the_first_result_counts(tmp_path: Path) -> None:
    path = tmp_path / "termination-log"
    path.write_text("what a longer message before it left behind " * 20)
    message = termination.Message(path)
    assert message.write(_result(ticks=1))
    assert not message.write(_result(ticks=2))
    assert results.decode(path.read_bytes()).ticks == 1


def test_of_two_threads_one_writes(tmp_path: Path) -> None:
    message = termination.Message(tmp_path / "log")
    wrote: list[bool] = []
    threads = [
        threading.Thread(target=lambda n=n: wrote.append(message.write(_result(ticks=n))))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(wrote) == [False] * 7 + [True]
    results.decode((tmp_path / "log").read_bytes())


def test_a_result_that_does_not_fit_becomes_void_and_says_so() -> None:
    standings = [Standing(seat=n, rank=1, score=10**9, team=n) for n in range(200)]
    result = results.decode(termination.encoded(_result(*standings)))
    assert (result.outcome, result.reason) == (Outcome.VOID, Reason.GAME_FAILED)
    assert "at most 3584" in result.message
