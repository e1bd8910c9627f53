"""The rules of air hockey: the same on every machine, and no puck leaves the table."""

import os
import subprocess
import sys

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts import errors
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.games.airhockey import table
from matchfleet_contracts.resources import PlayerKind, RosterEntry
from matchfleet_gameserver import game
from matchfleet_gameserver.games.airhockey import AirHockey

GOLDEN = "d6ec241cc184272a2879b0398a523bbd"
"""Of 1200 ticks, seed 7, strong against weak. It changes when the rules do, and only then."""

S0, S1 = game.Seat(0), game.Seat(1)
ROSTER = [
    RosterEntry(seat=0, team=0, kind=PlayerKind.BOT, bot="strong"),
    RosterEntry(seat=1, team=1, kind=PlayerKind.BOT, bot="weak"),
]
INPUTS = st.one_of(
    st.builds(airhockey.Move, direction=st.integers(0, 8)),
    st.builds(airhockey.Aim, x=st.integers(-8000, 8000), y=st.integers(-16000, 16000)),
)


def _started(seed: int = 7, seconds: int = 20, **config: int) -> AirHockey:
    play = AirHockey()
    play.start({"durationSeconds": seconds, **config}, ROSTER, seed=seed)
    return play


def _play(play: AirHockey, ticks: int, *, first: int = 0) -> None:
    for tick in range(first, first + ticks):
        inputs: dict[game.Seat, airhockey.Input] = {}
        if tick % 4 == 0:
            for seat, skill in ((S0, "strong"), (S1, "weak")):
                choice = play.rule_bot(seat, skill)
                assert choice is not None
                inputs[seat] = choice
        play.tick(inputs)


def _hash_of_a_match() -> str:
    play = _started()
    _play(play, 1200)
    return play.hash().hex()


def test_a_seeded_match_of_bots_always_ends_in_the_same_state() -> None:
    assert _hash_of_a_match() == GOLDEN


@pytest.mark.parametrize("hash_seed", ["0", "4242"])
def test_another_process_and_another_hash_seed_change_nothing(hash_seed: str) -> None:
    found = subprocess.run(
        [sys.executable, __file__],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    assert found.stdout.strip() == GOLDEN


@pytest.mark.parametrize("at", [0, 1, 333, 1199])
def test_a_saved_match_goes_on_as_if_it_never_stopped(at: int) -> None:
    straight, saved = _started(), _started(seed=99)
    _play(straight, at)
    saved.load(straight.save())
    assert saved.hash() == straight.hash()
    _play(straight, 1200 - at, first=at)
    _play(saved, 1200 - at, first=at)
    assert saved.hash() == straight.hash()
    assert saved.places() == straight.places()


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(st.integers(0, 2**32 - 1), st.lists(st.tuples(INPUTS, INPUTS), max_size=60))
def test_whatever_is_played_every_body_stays_on_the_table(
    seed: int, inputs: list[tuple[airhockey.Input, airhockey.Input]]
) -> None:
    play = _started(seed=seed)
    score = (0, 0)
    for one, two in inputs:
        for held in ({S0: one, S1: two}, {}, {}, {}, {}, {}):
            play.tick(held)
            view = airhockey.decode_view(play.view(game.Audience(0)))
            assert abs(view.puck.x) <= table.PUCK_MAX_X
            assert abs(view.puck.y) <= table.HALF_LENGTH + table.TOUCH
            for seat, mallet in enumerate(view.mallets):
                side = -1 if seat == 0 else 1
                assert abs(mallet.x) <= table.MALLET_MAX_X + table.TOUCH
                assert -table.TOUCH <= mallet.y * side <= table.MALLET_FAR_Y + table.TOUCH
            assert sum(view.score) - sum(score) in (0, 1)
            score = view.score


def test_a_match_lasts_exactly_its_duration() -> None:
    play = _started(seconds=1)
    assert [play.tick({}).is_over for _ in range(60)] == [False] * 59 + [True]
    view = airhockey.decode_view(play.view(game.SPECTATOR))
    assert (view.tick, view.ticks_left, view.stage) == (60, 0, airhockey.Stage.OVER)
    assert [(p.rank, p.score, p.team) for p in play.places()] == [(1, 0, 0), (1, 0, 1)]


def test_a_match_may_be_won_by_goals() -> None:
    play = _started(seconds=60, goalsToWin=1)
    goals: list[game.GameEvent] = []
    for tick in range(3600):
        choice = play.rule_bot(S0, "strong") if tick % 4 == 0 else None
        step = play.tick({} if choice is None else {S0: choice})
        goals.extend(step.events)
        if step.is_over:
            break
    assert len(goals) == 1
    assert goals[0].data == {"type": "goal", "seat": 0, "score": [1, 0]}
    assert [(p.seat, p.rank, p.score) for p in play.places()] == [(0, 1, 1), (1, 2, 0)]


def test_nothing_moves_after_the_end() -> None:
    play = _started(seconds=1)
    for _ in range(60):
        play.tick({})
    before = play.hash()
    assert play.tick({S0: airhockey.Move(1)}).is_over
    assert play.hash() == before


def test_a_puck_that_stays_on_one_side_is_served_to_the_other() -> None:
    play = _started()
    sides: list[bool] = []
    for _ in range(900):
        play.tick({})
        view = airhockey.decode_view(play.view(game.SPECTATOR))
        if view.stage is airhockey.Stage.SERVING:
            sides.append(view.puck.y > 0)
    assert set(sides) == {False, True}


def test_strong_beats_weak_in_nearly_every_short_match() -> None:
    won = lost = 0
    for seed in range(20):
        play = _started(seed=seed)
        _play(play, 1200)
        one, two = play.places()
        won += one.score > two.score
        lost += one.score < two.score
    assert won >= 18
    assert lost == 0


def test_a_roster_of_other_seats_is_refused() -> None:
    with pytest.raises(errors.ConfigInvalid, match="seats 0 and 1"):
        AirHockey().start({}, [RosterEntry(seat=0, kind=PlayerKind.BOT)], seed=1)


if __name__ == "__main__":
    print(_hash_of_a_match())
