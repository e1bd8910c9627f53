"""What the platform holds a game to."""

from typing import Any

import pytest

from matchfleet_gameserver import game


def test_equal_scores_share_a_rank() -> None:
    scores = {game.Seat(2): (0, 5), game.Seat(0): (1, 9), game.Seat(1): (2, 5)}
    places = game.ranked(scores)
    assert [(p.seat, p.rank, p.score, p.team) for p in places] == [
        (0, 1, 9, 1),
        (1, 2, 5, 2),
        (2, 2, 5, 0),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"min_seats": 0},
        {"min_seats": 3, "max_seats": 2},
        {"max_seats": 256},
        {"tick_hz": 0},
        {"tick_hz": 241},
        {"snapshot_hz": 25},
        {"snapshot_hz": 0},
        {"decision_every": 0},
        {"decision_delay": 0},
    ],
    ids=str,
)
def test_a_spec_that_cannot_be_played_is_refused(changes: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"name": "g", "version": "1.0.0", "min_seats": 1, "max_seats": 2}
    with pytest.raises(ValueError, match=r"seats|hz|decision"):
        game.GameSpec(**(fields | changes))


def test_the_example_in_the_documentation_plays(a: Any) -> None:
    """The Race of the module's docstring, cut out and played to its end."""
    text = game.__doc__ or ""
    source = text[text.index("    class Race") : text.index("It is found by name")]
    space: dict[str, Any] = {"game": game}
    exec("\n".join(line[4:] for line in source.splitlines()), space)  # noqa: S102
    race = space["Race"]()
    race.start({}, [a.human(0), a.human(1)], seed=1)
    assert isinstance(race.parse_input(b"\x09"), game.Reject)
    assert isinstance(race.parse_input(b""), game.Reject)
    ticks = 0
    is_over = False
    while not is_over:
        is_over = race.tick({game.Seat(0): race.parse_input(b"\x03")}).is_over
        ticks += 1
    assert ticks == 334
    assert race.view(game.SPECTATOR) == bytes((250, 0))
    assert [(p.seat, p.rank) for p in race.places()] == [(0, 1), (1, 2)]
