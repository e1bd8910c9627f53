"""Elo moves whole points between teams, makes none, and does not care who lists whom first."""

import random

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts.ids import PlayerId
from matchfleet_workers.ranking import rating
from matchfleet_workers.ranking.rating import Placement

A, B, C, D = (PlayerId(name) for name in "abcd")


def one_on_one(a, b, *, ranks):
    placements = [Placement(A, team=0, rank=ranks[0]), Placement(B, team=1, rank=ranks[1])]
    changes = rating.rate(placements, {A: a, B: b})
    return tuple(change.delta for change in changes)


@pytest.mark.parametrize(
    ("a", "b", "ranks", "deltas"),
    [
        (1500, 1500, (1, 2), (16, -16)),
        (1500, 1500, (2, 1), (-16, 16)),
        (1500, 1500, (1, 1), (0, 0)),
        (1400, 1600, (1, 2), (24, -24)),
        (1600, 1400, (1, 2), (8, -8)),
        (1400, 1600, (1, 1), (8, -8)),
        (1000, 2000, (1, 2), (32, -32)),
        (2000, 1000, (1, 2), (0, 0)),
        (-(10**9), 10**9, (1, 2), (32, -32)),
    ],
    ids=[
        "equals, first wins",
        "equals, second wins",
        "equals draw",
        "the weaker wins",
        "the stronger wins",
        "a draw favours the weaker",
        "an upset",
        "as expected moves nothing",
        "absurdly far apart",
    ],
)
def test_one_on_one_is_plain_elo(a, b, ranks, deltas):
    assert one_on_one(a, b, ranks=ranks) == deltas


def test_a_team_is_rated_by_its_mean_and_its_best_place():
    placements = [
        Placement(A, team=0, rank=1),
        Placement(B, team=0, rank=3),
        Placement(C, team=1, rank=2),
        Placement(D, team=1, rank=4),
    ]
    changes = rating.rate(placements, {A: 1300, B: 1700, C: 1500, D: 1500})
    assert [(c.player, c.delta) for c in changes] == [(A, 16), (B, 16), (C, -16), (D, -16)]


def test_a_free_for_all_compares_every_pair():
    placements = [Placement(p, team=n, rank=n + 1) for n, p in enumerate((A, B, C))]
    changes = rating.rate(placements, dict.fromkeys((A, B, C), 1500))
    assert [c.delta for c in changes] == [16, 0, -16]


@pytest.mark.parametrize("teams", [[], [0], [0, 0]], ids=["nobody", "one", "one team"])
def test_nobody_is_rated_against_nobody(teams):
    placements = [Placement(p, team=t, rank=1) for p, t in zip((A, B), teams, strict=False)]
    assert rating.rate(placements, {A: 1500, B: 1500}) == ()


@st.composite
def matches(draw, *, team_size=None):
    sizes = draw(
        st.lists(st.just(team_size) if team_size else st.integers(1, 4), min_size=2, max_size=6)
    )
    numbers = draw(
        st.lists(st.integers(0, 63), min_size=len(sizes), max_size=len(sizes), unique=True)
    )
    placements, ratings = [], {}
    for number, size in zip(numbers, sizes, strict=True):
        for _ in range(size):
            player = PlayerId(f"p{len(placements):02}")
            placements.append(Placement(player, team=number, rank=draw(st.integers(1, 6))))
            ratings[player] = draw(st.integers(-500, 4000))
    return placements, ratings


@hypothesis.given(matches(), st.randoms(use_true_random=False))
def test_the_order_of_the_standings_does_not_matter(match, randomness: random.Random):
    placements, ratings = match
    shuffled = randomness.sample(placements, len(placements))
    assert rating.rate(shuffled, ratings) == rating.rate(placements, ratings)


@hypothesis.given(matches(team_size=1) | matches(team_size=3))
def test_teams_of_equal_size_neither_make_nor_lose_points(match):
    assert sum(change.delta for change in rating.rate(*match)) == 0


@hypothesis.given(matches())
def test_no_match_moves_a_rating_by_more_than_k_and_what_is_rounded(match):
    placements, ratings = match
    teams = len({placed.team for placed in placements})
    for change in rating.rate(placements, ratings):
        assert abs(change.delta) <= rating.K + (teams - 1) / 2
        assert change.after == ratings[change.player] + change.delta


@hypothesis.given(matches())
def test_everybody_who_was_placed_gets_one_change_in_order(match):
    placements, ratings = match
    players = [change.player for change in rating.rate(placements, ratings)]
    assert players == sorted(ratings)


@hypothesis.given(st.integers(0, 4000), st.integers(0, 4000))
def test_winning_never_costs_and_losing_never_pays(a, b):
    won, lost = one_on_one(a, b, ranks=(1, 2))
    assert won >= 0 >= lost


@hypothesis.given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_expectations_of_both_sides_add_up_to_one(a, b):
    assert rating.expected(a, b) + rating.expected(b, a) == pytest.approx(1.0)
    assert 0.0 <= rating.expected(a, b) <= 1.0
