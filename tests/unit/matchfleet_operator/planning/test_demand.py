"""Whose players wait for which Fleet, and when nobody knows."""

import pytest

from matchfleet_contracts.events import QueueDepth, RegionDepth
from matchfleet_operator.planning import demand
from matchfleet_operator.planning.demand import Depth, Report
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import Autoscale
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at

BY_QUEUE = Autoscale(max_warm=9, players_per_match=2)
STALE = seconds(30)
HEARD, NOW = at(0), at(1)


def a_report(mode="blitz", *, game="airhockey", heard_at=HEARD, **regions):
    told = {region: RegionDepth(players, fleets) for region, (players, fleets) in regions.items()}
    return Report(said=QueueDepth(game, mode, told), heard_at=heard_at)


def of(name, *reports, now=NOW, **others):
    fleets = {"eu": builders.a_fleet("eu", autoscale=BY_QUEUE)} | others
    return demand.of_fleet(fleets[name], reports, fleets, now=now, stale=STALE)


@pytest.mark.parametrize(
    ("reports", "players"),
    [
        pytest.param([a_report(eu=(3, ["eu"]))], 3, id="its region"),
        pytest.param([a_report(eu=(3, ["eu"]), us=(4, ["us"]))], 3, id="not another's"),
        pytest.param([a_report(eu=(3, ["eu"]), us=(4, ["us", "eu"]))], 7, id="stands in"),
        pytest.param(
            [a_report(eu=(3, ["eu"])), a_report("duel", eu=(2, ["eu"]))], 5, id="two queues"
        ),
        pytest.param([a_report(eu=(3, ["eu"]), game="chess")], 0, id="another game"),
    ],
)
def test_players_count_for_the_fleet_their_queue_names(reports, players):
    assert of("eu", *reports).players == players


@pytest.mark.parametrize(
    ("first", "players"),
    [
        pytest.param(builders.a_fleet("a", autoscale=BY_QUEUE), 0, id="it scales"),
        pytest.param(builders.a_fleet("a"), 6, id="it does not scale"),
        pytest.param(
            builders.a_fleet("a", autoscale=Autoscale(max_warm=3, buffer=1)), 6, id="by buffer only"
        ),
        pytest.param(builders.a_fleet("a", autoscale=BY_QUEUE, deleting=True), 6, id="it goes"),
        pytest.param(builders.a_fleet("a", autoscale=BY_QUEUE, game="go"), 6, id="another game"),
    ],
)
def test_of_several_fleets_the_first_that_scales_by_depth_is_meant(first, players):
    assert of("eu", a_report(eu=(6, ["a", "eu"])), a=first).players == players


def test_what_was_heard_is_known_until_it_is_too_old():
    report = a_report(eu=(3, ["eu"]))
    assert of("eu", report, now=at(29)) == Depth(players=3, is_known=True, until=at(30))
    assert of("eu", report, now=at(30)) == Depth()


def test_one_silent_queue_of_two_is_enough_not_to_know():
    old, young = a_report(eu=(3, ["eu"])), a_report("duel", eu=(2, ["eu"]), heard_at=at(25))
    assert of("eu", old, young, now=at(40)) == Depth(players=2, is_known=False, until=at(55))


def test_a_fleet_that_no_queue_names_is_not_known():
    assert not of("eu", a_report(eu=(3, ["us"]))).is_known
