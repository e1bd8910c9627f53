import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_contracts import errors, results
from matchfleet_contracts.resources import Reason


def a_result(**changes: object) -> results.Result:
    fields: dict[str, object] = {
        "match_uid": "uid-1",
        "outcome": results.Outcome.COMPLETED,
        "standings": [
            results.Standing(seat=0, rank=1, score=3),
            results.Standing(seat=1, rank=2, score=1),
        ],
        "ticks": 1200,
        "tick_hz": 60,
        "achieved_hz": 60.0,
        "late_ticks": 2,
    }
    return results.Result(**(fields | changes))  # type: ignore[arg-type]


@given(
    scores=st.lists(st.integers(-1000, 1000), min_size=1, max_size=16),
    ticks=st.integers(0, 10_000_000),
)
def test_a_result_survives_the_termination_message(scores: list[int], ticks: int) -> None:
    standings = [
        results.Standing(seat=seat, rank=1 + sum(s > score for s in scores), score=score)
        for seat, score in enumerate(scores)
    ]
    result = a_result(standings=standings, ticks=ticks, late_ticks=0)
    assert results.decode(results.encode(result)) == result


@given(cut=st.integers(0, len(results.encode(a_result())) - 1))
def test_a_result_cut_anywhere_is_refused(cut: int) -> None:
    with pytest.raises(errors.ResultInvalid):
        results.decode(results.encode(a_result())[:cut])


@given(st.binary(max_size=5000))
def test_any_bytes_are_a_result_or_refused(noise: bytes) -> None:
    with pytest.raises(errors.ResultInvalid):
        results.decode(noise)


def test_an_altered_score_is_refused() -> None:
    message = results.encode(a_result()).replace(b'"score":1', b'"score":9')
    with pytest.raises(errors.ResultInvalid, match="digest"):
        results.decode(message)


def test_a_result_above_the_limit_is_refused_when_it_is_written() -> None:
    with pytest.raises(errors.ResultTooLarge, match="put what does not rank"):
        results.encode(a_result(message="x" * results.MAX_RESULT_BYTES))


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"standings": []}, id="completed-without-standings"),
        pytest.param(
            {"standings": [results.Standing(seat=0, rank=1, score=0)] * 2}, id="seat-twice"
        ),
        pytest.param({"standings": [results.Standing(seat=0, rank=2, score=0)]}, id="rank-too-low"),
        pytest.param({"ticks": -1}, id="negative-ticks"),
        pytest.param({"ticks": 5, "late_ticks": 6}, id="more-late-than-ticks"),
    ],
)
def test_a_result_out_of_bounds_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(errors.ResultInvalid):
        results.decode(results.encode(a_result(**broken)))


def test_a_void_result_needs_no_standings_and_keeps_its_reason() -> None:
    void = a_result(outcome=results.Outcome.VOID, standings=[], reason=Reason.TICK_STALLED)
    assert results.decode(results.encode(void)).reason is Reason.TICK_STALLED
