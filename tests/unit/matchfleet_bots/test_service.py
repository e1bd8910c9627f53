"""The bot service answers what it is asked, or says what is wrong with the question."""

from collections.abc import Sequence

import pytest

from matchfleet_bots import catalogue, errors, service
from matchfleet_contracts.botv1 import bot_pb2
from matchfleet_contracts.games import airhockey

TABLE = airhockey.View(
    tick=60,
    ticks_left=600,
    stage=airhockey.Stage.PLAYING,
    score=(0, 0),
    puck=airhockey.Body(10, -400, 0, 0),
    mallets=(airhockey.Body(0, -800, 0, 0), airhockey.Body(0, 800, 0, 0)),
)


def _request(
    *seen: tuple[int, str, Sequence[float]], game: str = airhockey.GAME
) -> bot_pb2.ActRequest:
    return bot_pb2.ActRequest(
        game=game,
        match_uid="uid",
        tick=60,
        observations=[
            bot_pb2.Observation(seat=seat, bot=policy, values=values)
            for seat, policy, values in seen
        ],
    )


@pytest.mark.parametrize(
    ("policy", "skill"),
    [
        ("weak", airhockey.Skill.WEAK),
        ("medium", airhockey.Skill.MEDIUM),
        ("strong", airhockey.Skill.STRONG),
        ("", airhockey.Skill.MEDIUM),
    ],
)
def test_each_seat_gets_the_action_of_the_policy_it_asked_for(
    policy: str, skill: airhockey.Skill
) -> None:
    seen = [airhockey.observe(TABLE, seat) for seat in (0, 1)]
    response = service.answer(_request((0, policy, seen[0]), (1, policy, seen[1])))
    assert [(action.seat, action.action) for action in response.actions] == [
        (seat, airhockey.rule_policy(seen[seat], skill)) for seat in (0, 1)
    ]


def test_an_empty_batch_has_no_actions() -> None:
    assert len(service.answer(_request()).actions) == 0


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (_request(game="chess"), "no bot here plays 'chess'; it plays airhockey"),
        (_request((0, "genius", [0.0] * 14)), "no policy is called 'genius'; there are weak"),
        (_request((0, "weak", [0.0] * 13)), "an observation has 14 values, not 13"),
        (_request((0, "weak", [0.0] * 13 + [2.0])), "lie between -1 and 1"),
        (_request((0, "weak", [0.0] * 13 + [float("nan")])), "lie between -1 and 1"),
        (_request(*[(0, "weak", [0.0] * 14)] * 256), "at most 255 observations"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_the_reason(
    request_: bot_pb2.ActRequest, why: str
) -> None:
    with pytest.raises(errors.RequestInvalid, match=why):
        service.answer(request_)


def test_every_game_of_the_catalogue_has_its_default_policy() -> None:
    for entry in catalogue.CATALOGUE.values():
        assert entry.default in entry.policies
