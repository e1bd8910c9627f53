"""When a match starts and why it ends; time is a number here."""

from typing import Any

import pytest

from matchfleet_contracts import results, wire
from matchfleet_contracts.ids import PlayerId, Seat
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Outcome
from matchfleet_gameserver import match, seats

INF = float("inf")


def _join(a_match: match.Match, seat: int) -> seats.Hold:
    return a_match.seats.take(
        Seat(seat), PlayerId(f"p{seat}"), name=f"p{seat}", token_id=f"t{seat}"
    )


def _reason(due: match.Start | match.Ending | None) -> Reason | str | None:
    if isinstance(due, match.Ending):
        return due.reason
    return "start" if isinstance(due, match.Start) else "nothing"


@pytest.mark.parametrize(
    ("joined", "ranked", "at", "due"),
    [
        ((), False, 0, "nothing"),
        ((0,), False, 29.9, "nothing"),
        ((0, 1), False, 0, "start"),
        ((0, 1), True, 0, "start"),
        ((0,), False, 30, "start"),
        ((0,), True, 30, Reason.JOIN_TIMEOUT),
        ((), False, 30, Reason.JOIN_TIMEOUT),
    ],
)
def test_a_match_waits_for_its_players_and_no_longer(
    a: Any, joined: tuple[int, ...], ranked: bool, at: float, due: object
) -> None:
    waiting = a.match(ranked=ranked)
    for seat in joined:
        _join(waiting, seat)
    assert waiting.deadline() == 30
    assert _reason(waiting.due(at)) == due


def test_a_match_of_bots_alone_starts_at_once(a: Any) -> None:
    assert _reason(a.match(a.bot(0), a.bot(1)).due(0)) == "start"


def test_a_match_that_plays_too_long_ends_void(a: Any) -> None:
    playing = a.match(a.bot(0))
    playing.start(100)
    assert playing.deadline() == 400
    assert _reason(playing.due(399.9)) == "nothing"
    assert _reason(playing.due(400)) == Reason.TIMED_OUT


@pytest.mark.parametrize("is_playing", [False, True])
def test_a_draining_match_ends_when_its_time_is_up_and_not_before(a: Any, is_playing: bool) -> None:
    draining = a.match()
    if is_playing:
        draining.start(0)
    draining.drain(within_s=10, now=5)
    draining.drain(within_s=10, now=9)
    assert draining.is_draining
    assert draining.deadline() == 15
    assert _reason(draining.due(14.9)) == "nothing"
    assert _reason(draining.due(15)) == Reason.DRAINED


def test_nothing_is_due_after_the_end(a: Any) -> None:
    ended = a.match()
    ended.end()
    assert ended.due(1e9) is None
    assert ended.deadline() == INF


def test_each_tick_plays_one_input_of_each_player_and_what_the_bots_chose(a: Any) -> None:
    playing = a.match(a.human(0), a.bot(1))
    hold = _join(playing, 0)
    playing.start(0)
    frame = wire.Input(snapshot_tick=0, first_seq=1, inputs=(b"\x05", b"\x06"))
    playing.seats.put(Seat(0), hold, frame)
    playing.step({Seat(1): 9})
    playing.step({})
    playing.step({})
    assert playing.play.seen == [{0: 5, 1: 9}, {0: 6}, {}]
    assert playing.seats[Seat(0)].played_seq == 2
    assert playing.tick == 3


def test_an_input_that_is_none_of_the_games_is_not_played_but_counted(a: Any) -> None:
    playing = a.match(a.human(0))
    hold = _join(playing, 0)
    frame = wire.Input(snapshot_tick=0, first_seq=1, inputs=(b"xx",))
    playing.seats.put(Seat(0), hold, frame)
    assert playing.step({}).rejected == ((0, "one byte"),)
    assert playing.play.seen == [{}]
    assert playing.seats[Seat(0)].rejected == 1


def test_a_match_that_is_over_has_a_result_by_seat(a: Any) -> None:
    playing = a.match(a.human(0), a.human(1), a.bot(2), config={"ticks": 2})
    hold = _join(playing, 0)
    _join(playing, 1)
    assert playing.step({Seat(2): 50}).ending is None
    playing.seats.drop(Seat(0), hold)
    ending = playing.step({Seat(0): 7, Seat(2): 1}).ending
    assert ending == match.Ending()
    result = playing.result(ending, achieved_hz=59.98765, late_ticks=5)
    assert results.decode(results.encode(result)) == result
    assert (result.outcome, result.ticks, result.tick_hz) == (Outcome.COMPLETED, 2, 60)
    assert (result.achieved_hz, result.late_ticks) == (59.988, 2)
    assert [(s.seat, s.rank, s.score, s.team, s.bot) for s in result.standings] == [
        (0, 2, 7, 0, True),
        (1, 3, 0, 1, False),
        (2, 1, 51, 2, True),
    ]


def test_a_void_result_names_its_reason_and_ranks_nobody(a: Any) -> None:
    ending = match.failed(ValueError("x" * 5000))
    result = a.match().result(ending, achieved_hz=0.0, late_ticks=0)
    assert (result.outcome, result.reason) == (Outcome.VOID, Reason.GAME_FAILED)
    assert result.standings == []
    assert result.message.startswith("ValueError: xxx")
    assert results.decode(results.encode(result)) == result
