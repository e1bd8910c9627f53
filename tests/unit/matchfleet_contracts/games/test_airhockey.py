"""What the rooms share of air hockey: parameters, inputs, views, observations and rule bots."""

import struct

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts import errors
from matchfleet_contracts.games import Reject, airhockey
from matchfleet_contracts.games.airhockey import inputs, policies, table

PLACES = st.floats(-1000, 1000)
SPEEDS = st.floats(-60, 60)
BODIES = st.builds(airhockey.Body, x=PLACES, y=PLACES, vx=SPEEDS, vy=SPEEDS)
VIEWS = st.builds(
    airhockey.View,
    tick=st.integers(0, 216_000),
    ticks_left=st.integers(0, 216_000),
    stage=st.sampled_from(airhockey.Stage),
    score=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    puck=BODIES,
    mallets=st.tuples(BODIES, BODIES),
)


def _turned(body: airhockey.Body) -> airhockey.Body:
    return airhockey.Body(-body.x, -body.y, -body.vx, -body.vy)


def _table(puck: airhockey.Body, own: airhockey.Body) -> airhockey.View:
    return airhockey.View(
        tick=10,
        ticks_left=100,
        stage=airhockey.Stage.PLAYING,
        score=(0, 0),
        puck=puck,
        mallets=(own, airhockey.Body(0, 800, 0, 0)),
    )


@pytest.mark.parametrize(
    ("raw", "ticks"),
    [({}, 10_800), ({"durationSeconds": 20}, 1200), ({"durationSeconds": 1}, 60)],
)
def test_a_match_lasts_its_duration_times_sixty(raw: dict[str, int | str], ticks: int) -> None:
    assert airhockey.parse_config(raw).ticks == ticks


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"durationSeconds": 0}, "durationSeconds is 0: give a whole number from 1 to 3600"),
        ({"durationSeconds": 3601}, "from 1 to 3600"),
        ({"durationSeconds": "20"}, "durationSeconds is '20'"),
        ({"durationSeconds": True}, "durationSeconds is True"),
        ({"goalsToWin": -1}, "goalsToWin is -1: give a whole number from 0 to 100"),
        ({"goals": 3}, "goals is not known: airhockey takes durationSeconds, goalsToWin"),
    ],
)
def test_a_wrong_parameter_is_refused_with_what_to_change(
    raw: dict[str, int | str], why: str
) -> None:
    with pytest.raises(errors.ConfigInvalid, match=why):
        airhockey.parse_config(raw)


@hypothesis.given(st.binary(max_size=8) | st.binary(min_size=5, max_size=5))
def test_any_bytes_give_an_input_within_bounds_or_a_reject(raw: bytes) -> None:
    value = airhockey.parse_input(raw)
    match value:
        case airhockey.Move():
            assert 0 <= value.direction < 9
        case airhockey.Aim():
            assert abs(value.x) <= 8000
            assert abs(value.y) <= 16_000
        case Reject():
            assert value.reason
    if not isinstance(value, Reject):
        assert airhockey.encode_input(value) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(4),
        bytes(6),
        struct.pack("<Bhh", 0, 9, 0),
        struct.pack("<Bhh", 0, -1, 0),
        struct.pack("<Bhh", 0, 1, 1),
        struct.pack("<Bhh", 1, 8001, 0),
        struct.pack("<Bhh", 1, 0, -16_001),
        struct.pack("<Bhh", 2, 0, 0),
    ],
)
def test_what_is_no_input_is_rejected(raw: bytes) -> None:
    assert isinstance(airhockey.parse_input(raw), Reject)


@hypothesis.given(VIEWS)
def test_a_view_survives_its_bytes_within_its_quanta(view: airhockey.View) -> None:
    raw = airhockey.encode_view(view)
    assert len(raw) == airhockey.VIEW_BYTES
    seen = airhockey.decode_view(raw)
    assert (seen.tick, seen.ticks_left, seen.stage, seen.score) == (
        view.tick,
        view.ticks_left,
        view.stage,
        view.score,
    )
    assert abs(seen.puck.x - view.puck.x) <= 1 / 32
    assert abs(seen.mallets[1].vy - view.mallets[1].vy) <= 1 / 512
    assert airhockey.encode_view(seen) == raw


@pytest.mark.parametrize("raw", [b"", bytes(34), bytes(36), bytes(8) + b"\x03" + bytes(26)])
def test_bytes_that_are_no_view_are_refused(raw: bytes) -> None:
    with pytest.raises(errors.FrameInvalid):
        airhockey.decode_view(raw)


@hypothesis.given(VIEWS)
def test_both_seats_see_the_same_table_from_their_own_side(view: airhockey.View) -> None:
    turned = airhockey.View(
        tick=view.tick,
        ticks_left=view.ticks_left,
        stage=view.stage,
        score=(view.score[1], view.score[0]),
        puck=_turned(view.puck),
        mallets=(_turned(view.mallets[1]), _turned(view.mallets[0])),
    )
    seen = list(airhockey.observe(view, 0))
    assert seen == list(airhockey.observe(turned, 1))
    assert len(seen) == len(airhockey.FIELDS)
    assert all(-1.0 <= value <= 1.0 for value in seen)
    assert seen == list(struct.unpack("<14f", struct.pack("<14f", *seen))), "float32 already"


@hypothesis.given(VIEWS, st.sampled_from(airhockey.Skill))
def test_every_strength_chooses_an_action_whatever_it_sees(
    view: airhockey.View, skill: airhockey.Skill
) -> None:
    for seat in (0, 1):
        action = airhockey.rule_policy(airhockey.observe(view, seat), skill)
        assert 0 <= action < len(airhockey.ACTIONS)
        assert action == airhockey.rule_policy(airhockey.observe(view, seat), skill)


@pytest.mark.parametrize("action", range(9))
def test_an_action_of_the_other_seat_is_turned_by_half_a_circle(action: int) -> None:
    dx, dy = inputs.DIRECTIONS[airhockey.input_of(action, 0).direction]
    other_dx, other_dy = inputs.DIRECTIONS[airhockey.input_of(action, 1).direction]
    assert (other_dx, other_dy) == (-dx, -dy)


@pytest.mark.parametrize("action", [-1, 9, 4_000_000_000])
def test_an_unknown_action_rests(action: int) -> None:
    assert airhockey.input_of(action, 0) == airhockey.Move(0)


@pytest.mark.parametrize(
    ("puck", "own", "wanted"),
    [
        ((300, 500, 0, -20), (0, -900, 0, 0), {"right", "ahead_right", "back_right"}),
        ((-300, 500, 0, -20), (0, -900, 0, 0), {"left", "ahead_left", "back_left"}),
        ((0, -400, 0, 0), (0, -700, 0, 0), {"ahead"}),
        ((0, -800, 0, 5), (0, -300, 0, 0), {"back_right", "back_left", "back"}),
    ],
    ids=["guards to the right", "guards to the left", "strikes", "gets behind"],
)
def test_a_strong_bot_guards_strikes_and_gets_behind(
    puck: tuple[float, float, float, float],
    own: tuple[float, float, float, float],
    wanted: set[str],
) -> None:
    view = _table(airhockey.Body(*puck), airhockey.Body(*own))
    seen = airhockey.observe(view, 0)
    assert airhockey.ACTIONS[policies.rule_policy(seen, airhockey.Skill.STRONG)] in wanted


def test_nothing_moves_further_in_a_tick_than_bodies_touch() -> None:
    assert table.PUCK_SPEED + table.MALLET_SPEED < table.TOUCH
