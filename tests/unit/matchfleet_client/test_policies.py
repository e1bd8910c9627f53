import pytest

from matchfleet_client import errors, policies
from matchfleet_contracts.games import airhockey

BODY = airhockey.Body(x=10.0, y=-300.0, vx=0.0, vy=-5.0)
VIEW = airhockey.encode_view(
    airhockey.View(
        tick=90,
        ticks_left=30,
        stage=airhockey.Stage.PLAYING,
        score=(2, 1),
        puck=BODY,
        mallets=(BODY, BODY),
    )
)


@pytest.mark.parametrize("name", policies.STRENGTHS)
@pytest.mark.parametrize("seat", [0, 1])
def test_every_strength_answers_a_view_with_an_input_of_the_game(name: str, seat: int) -> None:
    raw = policies.policy("airhockey", name).act(VIEW, seat)
    assert isinstance(airhockey.parse_input(raw), airhockey.Move)


def test_the_score_is_by_seat_and_the_time_is_the_games_own() -> None:
    assert policies.policy("airhockey", "weak").score(VIEW) == ((2, 1), 1.5)


@pytest.mark.parametrize(("game", "name"), [("chess", "weak"), ("airhockey", "genius")])
def test_what_is_not_known_is_refused_with_what_is(game: str, name: str) -> None:
    with pytest.raises(errors.NoPolicy, match="choose"):
        policies.policy(game, name)
