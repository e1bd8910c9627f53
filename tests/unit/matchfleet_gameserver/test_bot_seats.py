"""When a bot service is asked, when its answer is played, and when the rules play instead."""

import itertools
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts.ids import PlayerId, Seat
from matchfleet_gameserver import bot_seats, breaker, game, match

S0, S1 = Seat(0), Seat(1)


def _breaker() -> breaker.Breaker:
    return breaker.Breaker(misses_allowed=5, rest_ticks=120)


def _bots(of: match.Match, service: breaker.Breaker | None) -> bot_seats.BotSeats:
    return bot_seats.BotSeats(of.play, of.seats, service=service)


def test_an_answer_is_played_exactly_at_its_tick(a: Any) -> None:
    bots = _bots(a.match(a.bot(0, "keen"), a.bot(1)), _breaker())
    first = bots.turn(1)
    assert first.inputs == {S0: 200, S1: 100}, "nothing was asked yet: rules play"
    assert first.ask is not None
    assert first.ask.tick == 5
    assert [(look.seat, look.policy, list(look.values)) for look in first.ask.looks] == [
        (0, "keen", [0.0, 10.0])
    ]
    assert bots.turn(2).inputs == {}
    assert bots.answer(5, {S0: 2})
    assert bots.turn(3).inputs == bots.turn(4).inputs == {}
    fifth = bots.turn(5)
    assert (fifth.inputs, fifth.missed) == ({S0: 2, S1: 100}, 0)
    assert fifth.ask is not None
    assert fifth.ask.tick == 9


def test_a_late_answer_is_refused_and_the_rules_decide(a: Any) -> None:
    bots = _bots(a.match(a.bot(0, "keen")), _breaker())
    bots.turn(1)
    fifth = bots.turn(5)
    assert (fifth.inputs, fifth.missed) == ({S0: 200}, 1)
    assert not bots.answer(5, {S0: 1})


@pytest.mark.parametrize("actions", [{S0: 3}, {S0: -1}, {S0: 1, S1: 99}])
def test_an_action_that_the_game_does_not_have_is_refused(a: Any, actions: dict[Seat, int]) -> None:
    bots = _bots(a.match(a.bot(0, "keen"), a.bot(1, "keen")), _breaker())
    bots.turn(1)
    assert not bots.answer(5, actions)
    assert bots.turn(5).missed == 2


def test_an_answer_without_a_seat_leaves_that_seat_to_the_rules(a: Any) -> None:
    bots = _bots(a.match(a.bot(0, "keen"), a.bot(1, "keen")), _breaker())
    bots.turn(1)
    assert bots.answer(5, {S0: 1, Seat(9): 1})
    fifth = bots.turn(5)
    assert (fifth.inputs, fifth.missed) == ({S0: 1, S1: 200}, 1)


def test_without_a_service_the_rules_decide_every_few_ticks(a: Any) -> None:
    bots = _bots(a.match(a.bot(0, "keen"), a.bot(1, "no such policy")), None)
    turns = [bots.turn(tick) for tick in range(1, 10)]
    assert [bool(turn.inputs) for turn in turns] == [True, False, False, False] * 2 + [True]
    assert turns[0].inputs == {S0: 200, S1: 100}
    assert all(turn.ask is None and turn.missed == 0 for turn in turns)


def test_the_rules_play_for_a_player_who_is_away_and_never_for_one_who_is_there(a: Any) -> None:
    of = a.match(a.human(0), a.human(1))
    hold = of.seats.take(S0, PlayerId("ada"), name="Ada", token_id="t")
    bots = _bots(of, _breaker())
    turn = bots.turn(1)
    assert turn.inputs == {S1: 100}
    assert turn.ask is None
    of.seats.drop(S0, hold)
    assert bots.turn(5).inputs == {S0: 100, S1: 100}


def test_a_service_that_never_answers_is_left_alone_and_tried_again(a: Any) -> None:
    bots = _bots(a.match(a.bot(0, "keen")), _breaker())
    asked = [tick for tick in range(1, 400) if bots.turn(tick).ask is not None]
    assert asked[:5] == [1, 5, 9, 13, 17]
    later = [tick for tick in asked if tick > 21]
    assert later == [141, 265, 389], "one question after each rest of two seconds"


def test_a_service_that_answers_again_is_asked_again(a: Any) -> None:
    bots = _bots(a.match(a.bot(0, "keen")), _breaker())
    for tick in range(1, 142):
        bots.turn(tick)
    assert bots.answer(145, {S0: 1})
    for tick in range(142, 150):
        turn = bots.turn(tick)
        if tick == 145:
            assert turn.inputs == {S0: 1}
    assert bots.answer(153, {S0: 1}), "it asked at 149"


@hypothesis.given(
    st.integers(1, 6), st.integers(1, 9), st.lists(st.integers(0, 12), min_size=60, max_size=60)
)
def test_a_seat_is_decided_once_every_few_ticks_however_late_the_answers_are(
    a: Any, every: int, delay: int, lateness: list[int]
) -> None:
    class Paced(a.Counting):  # type: ignore[misc]
        spec = game.GameSpec(
            name="counting",
            version="1.0.0",
            min_seats=1,
            max_seats=4,
            decision_every=every,
            decision_delay=delay,
            observation=("sum",),
            actions=("a",),
            policies=("plain",),
        )

    of = a.match(a.bot(0, "plain"))
    play = Paced()
    play.start({}, of.spec.players, seed=0)
    bots = bot_seats.BotSeats(play, of.seats, service=_breaker())
    due: dict[int, list[int]] = {}
    decided: list[int] = []
    for tick in range(1, 61):
        for at in due.pop(tick, []):
            bots.answer(at, {S0: 0})
        turn = bots.turn(tick)
        if turn.inputs:
            decided.append(tick)
        if turn.ask is not None:
            due.setdefault(tick + 1 + lateness[tick - 1], []).append(turn.ask.tick)
    assert decided[0] == 1
    gaps = [after - before for before, after in itertools.pairwise(decided)]
    assert all(gap < 2 * every for gap in gaps)
