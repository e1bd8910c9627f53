import pytest
import typer

from matchfleet_client import options


def test_a_queue_is_a_game_and_a_mode() -> None:
    assert options.queue("airhockey/blitz") == ("airhockey", "blitz")


@pytest.mark.parametrize("text", ["", "airhockey", "/blitz", "airhockey/", "a/b/c"])
def test_anything_else_is_no_queue(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="GAME/MODE"):
        options.queue(text)


def test_round_trips_are_read_by_region() -> None:
    assert options.round_trips("eu=20, us=90") == {"eu": 20, "us": 90}


@pytest.mark.parametrize("text", ["", "eu", "eu=", "eu=x", "=3", "eu=-3", "eu=1;us=2"])
def test_anything_else_is_no_round_trip(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="REGION=MS"):
        options.round_trips(text)
