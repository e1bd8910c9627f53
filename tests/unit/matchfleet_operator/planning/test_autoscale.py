"""How many idle servers a Fleet keeps: bounds, steadiness, and the sentence that explains it."""

import dataclasses
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_operator.planning import autoscale
from matchfleet_operator.planning.demand import Depth
from matchfleet_operator.planning.seen import Autoscale, FleetStatus, Recommendation
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at

WINDOW_S = 300
NOW = at(0)


def a_scaler(**changes):
    return Autoscale(**({"max_warm": 50, "stabilization_s": WINDOW_S} | changes))


def decide(
    scaler=None, *, busy=0, players=0, is_known=True, history=(), now=NOW, warm=0, most=1000
):
    fleet = builders.a_fleet(autoscale=scaler or a_scaler(buffer=3), warm=warm, max=most)
    depth = Depth(players=players, is_known=is_known, until=at(1000) if is_known else None)
    return autoscale.decide(fleet, busy=busy, depth=depth, history=history, now=now)


@pytest.mark.parametrize(
    ("scaler", "facts", "warm", "why"),
    [
        pytest.param(a_scaler(buffer=3), {}, 3, "3 idle servers for a buffer of 3", id="number"),
        pytest.param(
            a_scaler(buffer_percent=20),
            {"busy": 18},
            4,
            "4 idle servers for 20% of 18 busy servers",
            id="percent, rounded up",
        ),
        pytest.param(
            a_scaler(buffer_percent=20), {"busy": 0}, 0, "0 idle servers for no demand", id="none"
        ),
        pytest.param(
            a_scaler(players_per_match=2),
            {"players": 1},
            1,
            "1 idle server for 1 waiting player, 2 a match",
            id="from zero, for the first who waits",
        ),
        pytest.param(
            a_scaler(buffer=3, players_per_match=2),
            {"players": 9},
            5,
            "5 idle servers for 9 waiting players, 2 a match",
            id="the greater holds: queue",
        ),
        pytest.param(
            a_scaler(buffer=8, players_per_match=2),
            {"players": 9},
            8,
            "8 idle servers for a buffer of 8",
            id="the greater holds: buffer",
        ),
        pytest.param(
            a_scaler(buffer=1, min_warm=2),
            {},
            2,
            "2 idle servers because of minWarm; demand asks for 1 now (a buffer of 1)",
            id="minWarm",
        ),
        pytest.param(
            a_scaler(players_per_match=1, max_warm=4),
            {"players": 9},
            4,
            "4 idle servers because of maxWarm; demand asks for 9 now "
            "(9 waiting players, 1 a match)",
            id="maxWarm",
        ),
        pytest.param(
            a_scaler(buffer=1, max_warm=4),
            {"warm": 7},
            7,
            "7 idle servers because of spec.warm; demand asks for 1 now (a buffer of 1)",
            id="what a person set, above maxWarm too",
        ),
        pytest.param(
            a_scaler(buffer=3),
            {"history": (Recommendation(warm=9, until=at(-100)), Recommendation(warm=3))},
            9,
            "9 idle servers until 12:03:20 UTC, to be steady; demand asks for 3 now "
            "(a buffer of 3)",
            id="steady",
        ),
        pytest.param(
            a_scaler(players_per_match=2),
            {"is_known": False},
            0,
            "0 idle servers for no demand; the queue depth is not known, for the matchmaker has "
            "not been heard of lately",
            id="silence",
        ),
    ],
)
def test_the_number_and_the_sentence(scaler, facts, warm, why):
    decision = decide(scaler, **facts)
    assert (decision.warm, decision.why) == (warm, why)


def test_without_an_autoscaler_it_is_what_people_set():
    decision = autoscale.decide(
        builders.a_fleet(warm=4), busy=3, depth=Depth(players=9), history=(), now=at(0)
    )
    assert decision == autoscale.Decision(warm=4)


@pytest.mark.parametrize(
    ("scaler", "facts", "reason"),
    [
        pytest.param(a_scaler(buffer=3), {}, "WithinBounds", id="free"),
        pytest.param(a_scaler(buffer=3, max_warm=2), {}, "AtMaxWarm", id="maxWarm"),
        pytest.param(a_scaler(buffer=3), {"busy": 8, "most": 10}, "AtMax", id="max"),
        pytest.param(a_scaler(buffer=3, max_warm=2), {"warm": 3}, "WithinBounds", id="a person"),
    ],
)
def test_what_keeps_a_fleet_from_more_is_said(scaler, facts, reason):
    decision = decide(scaler, **facts)
    assert decision.limit_reason == reason
    assert bool(decision.limit) == (reason != "WithinBounds")


def test_more_is_followed_at_once_and_less_after_the_window():
    depth = a_scaler(players_per_match=1)
    up = decide(depth, players=6, now=at(0))
    assert up.warm == 6
    down = decide(depth, players=1, history=up.recommendations, now=at(10))
    assert (down.warm, down.wake_at) == (6, at(10 + WINDOW_S))
    later = decide(depth, players=1, history=down.recommendations, now=at(9 + WINDOW_S))
    assert later.warm == 6
    assert decide(depth, players=1, history=later.recommendations, now=at(10 + WINDOW_S)).warm == 1


def test_without_a_window_less_is_followed_at_once():
    scaler = a_scaler(players_per_match=1, stabilization_s=0)
    up = decide(scaler, players=6)
    assert decide(scaler, players=2, history=up.recommendations).warm == 2


def test_a_bound_that_a_person_moves_holds_at_once():
    up = decide(a_scaler(buffer=9))
    assert decide(a_scaler(buffer=9, max_warm=5), history=up.recommendations).warm == 5
    kept = decide(a_scaler(buffer=0, min_warm=9))
    assert decide(a_scaler(buffer=0, min_warm=1), history=kept.recommendations).warm == 1


def test_it_wakes_when_what_it_knows_of_the_queue_grows_old():
    assert decide(a_scaler(players_per_match=2), players=2).wake_at == at(1000)
    assert decide(a_scaler(buffer=2), players=2).wake_at is None


# ---- what holds for any demand

demands = st.tuples(st.integers(0, 200), st.integers(0, 200), st.floats(0.1, 400))
scalers = st.builds(
    lambda low, span, **rest: Autoscale(min_warm=low, max_warm=low + span, **rest),
    low=st.integers(0, 10),
    span=st.integers(0, 60),
    buffer=st.integers(0, 20),
    buffer_percent=st.integers(0, 100),
    players_per_match=st.integers(0, 8),
    stabilization_s=st.sampled_from([0, 30, 300]),
)


def a_only(scaler, asked):
    """The same bounds and window, with a buffer that asks for exactly so many."""
    return dataclasses.replace(scaler, buffer=asked, buffer_percent=0, players_per_match=0)


def walk(scaler, warm, steps):
    """The decisions of one Fleet over time, each with the demand at that time."""
    history, now = (), at(0)
    for busy, players, pause_s in steps:
        decision = decide(
            scaler, busy=busy, players=players, history=history, now=now, warm=warm, most=5000
        )
        yield now, decision
        history = decision.recommendations
        now += datetime.timedelta(seconds=pause_s)


@given(scalers, st.integers(0, 80), st.lists(demands, max_size=40))
def test_bounds_always_hold_and_what_people_set_is_the_floor(scaler, warm, steps):
    for _, decision in walk(scaler, warm, steps):
        assert warm <= decision.warm
        assert max(scaler.min_warm, 0) <= decision.warm
        assert decision.warm <= max(scaler.max_warm, warm)
        assert len(decision.recommendations) <= autoscale.RECOMMENDATIONS_MOST
        assert decision.why
        assert len(decision.why) <= 512


@given(scalers, st.lists(demands, min_size=1, max_size=40))
def test_nothing_that_was_asked_for_within_the_window_is_given_up(scaler, steps):
    window = datetime.timedelta(seconds=scaler.stabilization_s)
    alone = dataclasses.replace(scaler, stabilization_s=0)
    asked_until = []
    for now, decision in walk(scaler, 0, steps):
        wanted = decision.recommendations[-1].warm
        bounded = min(max(wanted, alone.min_warm), alone.max_warm)
        # What was asked for before held until now.
        asked_until = [(*a, now) if len(a) == 1 else a for a in asked_until]
        asked_until.append((bounded,))
        recent = [a[0] for a in asked_until if len(a) == 1 or now < a[1] + window]
        assert decision.warm >= max(recent)
        if len({a[0] for a in asked_until}) < autoscale.RECOMMENDATIONS_MOST:
            assert decision.warm == max(recent)


@given(scalers, st.lists(demands, max_size=20), st.integers(0, 100), st.integers(0, 100))
def test_more_players_never_mean_fewer_servers(scaler, steps, few, more):
    *_, (now, last) = [*walk(scaler, 0, steps), (at(0), decide(scaler))]
    low, high = sorted((few, more))
    less, rest = (
        decide(scaler, players=p, history=last.recommendations, now=now).warm for p in (low, high)
    )
    assert less <= rest


@given(scalers, st.lists(demands, min_size=1, max_size=20))
def test_deciding_again_on_what_was_written_changes_nothing(scaler, steps):
    for now, decision in walk(scaler, 0, steps):
        written = FleetStatus(
            desired_warm=decision.warm,
            scaling=decision.why,
            recommendations=decision.recommendations,
        )
        fleet = builders.a_fleet(autoscale=scaler, status=written)
        assert autoscale.once_writable(decision, fleet, writable_at=now) == decision
        asked = decision.recommendations[-1].warm
        only = a_only(scaler, asked)
        again = decide(only, history=decision.recommendations, now=now, most=5000)
        assert (again.warm, again.recommendations) == (decision.warm, decision.recommendations)


# ---- a number is followed once it can be written


def test_a_number_that_cannot_be_written_yet_is_not_followed_yet():
    scaler = a_scaler(players_per_match=1)
    before = decide(scaler, players=2)
    status = FleetStatus(desired_warm=2, scaling=before.why, recommendations=before.recommendations)
    fleet = builders.a_fleet(autoscale=scaler, status=status)
    peak = decide(scaler, players=9, history=before.recommendations)
    held = autoscale.once_writable(peak, fleet, writable_at=at(0.5))
    assert (held.warm, held.why, held.wake_at) == (2, before.why, at(0.5))
    assert held.recommendations == before.recommendations
    assert autoscale.once_writable(peak, fleet, writable_at=None) == peak


def test_what_a_person_sets_waits_for_nothing():
    scaler = a_scaler(buffer=1)
    fleet = builders.a_fleet(autoscale=scaler, warm=6)
    decision = autoscale.decide(fleet, busy=0, depth=Depth(), history=(), now=at(0))
    assert autoscale.once_writable(decision, fleet, writable_at=at(1)).warm == 6
