import collections
import datetime
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tickets import NOW, a_candidate, a_queue, later

from matchfleet_api.matchmaking import pairing


def paired(proposals):
    return [tuple(c.ticket for c in p.candidates) for p in proposals]


def test_two_alike_are_paired_at_once():
    found = pairing.pair([a_candidate("a"), a_candidate("b")], a_queue(), NOW)
    assert {frozenset(p) for p in paired(found)} == {frozenset({"a", "b"})}
    assert found[0].ranked
    assert [(p.seat, p.team) for p in found[0].places] == [(0, 0), (1, 1)]


def test_the_longest_waiting_is_served_first():
    waiting = [
        a_candidate("new", rating=1500),
        a_candidate("old", rating=1595, waited_s=10),
        a_candidate("mid", rating=1510, waited_s=5),
    ]
    (found,) = pairing.pair(waiting, a_queue(), NOW)
    assert {c.ticket for c in found.candidates} == {"old", "mid"}


def test_the_nearest_rating_is_taken():
    waiting = [
        a_candidate("seed", rating=1500, waited_s=9),
        a_candidate("near", rating=1480),
        a_candidate("far", rating=1590),
    ]
    (found,) = pairing.pair(waiting, a_queue(), NOW)
    assert {c.ticket for c in found.candidates} == {"seed", "near"}


@pytest.mark.parametrize(
    ("wait_s", "gap", "meets"),
    [
        (0, 100, True),
        (0, 101, False),
        (5, 200, True),
        (5, 201, False),
        (1000, 800, True),
        (1000, 801, False),
    ],
)
def test_the_window_widens_with_the_oldest_wait_and_is_capped(wait_s, gap, meets):
    queue = a_queue(bot_after_s=None)
    waiting = [a_candidate("a", waited_s=wait_s), a_candidate("b", rating=1500 + gap)]
    assert bool(pairing.pair(waiting, queue, NOW)) is meets


def test_players_without_a_common_region_do_not_meet():
    waiting = [
        a_candidate("eu", rtt_ms={"eu": 20, "us": 300}),
        a_candidate("us", rtt_ms={"eu": 300, "us": 20}),
    ]
    assert pairing.pair(waiting, a_queue(bot_after_s=None), NOW) == []


def test_one_out_of_reach_does_not_hide_the_next():
    waiting = [
        a_candidate("seed", rtt_ms={"eu": 20, "us": 300}, waited_s=3),
        a_candidate("away", rtt_ms={"eu": 300, "us": 20}, rating=1501),
        a_candidate("here", rtt_ms={"eu": 30, "us": 300}, rating=1540),
    ]
    (found,) = pairing.pair(waiting, a_queue(), NOW)
    assert {c.ticket for c in found.candidates} == {"seed", "here"}


def test_one_who_waited_long_enough_plays_a_bot_unranked():
    (found,) = pairing.pair([a_candidate("a", waited_s=20)], a_queue(), NOW)
    assert not found.ranked
    assert [p.candidate and p.candidate.ticket for p in found.places] == ["a", None]


def test_one_who_has_not_waited_long_enough_waits_on():
    assert pairing.pair([a_candidate(waited_s=19.9)], a_queue(), NOW) == []


def test_a_human_is_preferred_to_a_bot():
    waiting = [a_candidate("a", waited_s=60), a_candidate("b", waited_s=60)]
    (found,) = pairing.pair(waiting, a_queue(), NOW)
    assert len(found.candidates) == 2
    assert found.ranked


def test_without_bots_nobody_plays_alone():
    assert pairing.pair([a_candidate(waited_s=9999)], a_queue(bot_after_s=None), NOW) == []


def test_one_too_far_from_everywhere_plays_a_bot_at_the_least_bad_place():
    alone = a_candidate(rtt_ms={"eu": 400, "us": 250}, waited_s=30)
    (found,) = pairing.pair([alone], a_queue(), NOW)
    assert found.region == "us"


def test_teams_are_filled_by_rating_there_and_back():
    queue = a_queue(teams=2, team_size=2, bot_after_s=None)
    ratings = [1500, 1510, 1520, 1530]
    waiting = [a_candidate(f"r{r}", rating=r, waited_s=i) for i, r in enumerate(ratings)]
    (found,) = pairing.pair(waiting, queue, NOW)
    sums = collections.Counter()
    for place in found.places:
        sums[place.team] += place.candidate.rating
    assert sums[0] == sums[1]


def test_bots_fill_every_empty_seat_of_a_team_game():
    queue = a_queue(teams=2, team_size=3)
    waiting = [a_candidate(waited_s=25), a_candidate(waited_s=1), a_candidate(waited_s=2)]
    (found,) = pairing.pair(waiting, queue, NOW)
    assert len(found.places) == 6
    assert len(found.candidates) == 3
    assert collections.Counter(p.team for p in found.places) == {0: 3, 1: 3}


def test_ratings_above_the_clock_of_a_skewed_replica_do_not_widen_backwards():
    ahead = a_candidate("a", queued_at=later(5))
    assert pairing.pair([ahead, a_candidate("b", rating=1600)], a_queue(), NOW)


def test_the_window_of_the_oldest_holds_when_a_younger_one_gathers():
    queue = a_queue(teams=2, team_size=2)
    reach = pairing.tolerance(queue.window, 0)
    ratings = (0, reach, reach + 1, reach + 1)
    waiting = [a_candidate(rating=r, waited_s=0.001 * (4 - i)) for i, r in enumerate(ratings)]
    assert pairing.pair(waiting, queue, NOW) == []


candidates = st.lists(
    st.builds(
        lambda rating, eu, us, wait, avoid: a_candidate(
            rating=rating,
            rtt_ms={k: v for k, v in (("eu", eu), ("us", us)) if v is not None},
            waited_s=wait,
            avoid_region=avoid,
        ),
        st.integers(0, 3000),
        st.none() | st.integers(0, 400),
        st.none() | st.integers(0, 400),
        st.floats(0, 100),
        st.none() | st.sampled_from(["eu", "us"]),
    ),
    max_size=40,
)
shapes = st.sampled_from([(2, 1), (2, 2), (3, 1), (2, 3), (1, 1)])


@settings(max_examples=200, deadline=None)
@given(candidates, shapes, st.none() | st.floats(0, 60))
def test_what_holds_for_every_proposal(waiting, shape, bot_after_s):
    queue = a_queue(teams=shape[0], team_size=shape[1], bot_after_s=bot_after_s)
    found = pairing.pair(waiting, queue, NOW)
    tickets = [c.ticket for p in found for c in p.candidates]
    assert len(tickets) == len(set(tickets)), "no ticket is in two proposals"
    for proposal in found:
        members = proposal.candidates
        assert members
        assert len(proposal.places) == queue.seats
        assert [p.seat for p in proposal.places] == list(range(queue.seats))
        in_team = collections.Counter(p.team for p in proposal.places)
        assert in_team == dict.fromkeys(range(queue.teams), queue.team_size)
        oldest = min(members, key=lambda c: (c.queued_at, c.ticket))
        wait_s = (NOW - oldest.queued_at).total_seconds()
        reach = pairing.tolerance(queue.window, wait_s)
        assert all(abs(c.rating - oldest.rating) <= reach for c in members)
        if len(members) > 1:
            assert all(c.rtt_ms.get(proposal.region, 200) <= 200 for c in members)
        if len(members) < queue.seats:
            assert not proposal.ranked
            assert bot_after_s is not None
            assert wait_s >= bot_after_s


@settings(max_examples=50, deadline=None)
@given(candidates, st.randoms(use_true_random=False))
def test_the_order_in_which_tickets_are_read_does_not_matter(waiting, shuffler: random.Random):
    queue = a_queue()
    shuffled = list(waiting)
    shuffler.shuffle(shuffled)
    assert pairing.pair(waiting, queue, NOW) == pairing.pair(shuffled, queue, NOW)


@settings(max_examples=100, deadline=None)
@given(candidates)
def test_nobody_waits_for_ever_where_bots_play(waiting):
    queue = a_queue(bot_after_s=20)
    much_later = NOW + datetime.timedelta(seconds=200)
    found = pairing.pair(waiting, queue, much_later)
    assert sum(len(p.candidates) for p in found) == len(waiting)
