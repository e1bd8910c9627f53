"""The cache: the greater version wins, what was deleted stays deleted, changes name their keys."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_contracts.ids import MatchName, MatchUid
from matchfleet_operator.keys import FleetKey, MatchKey
from matchfleet_operator.testing import builders
from matchfleet_operator.watching.cache import Cache


class Told:
    def __init__(self) -> None:
        self.keys: list[object] = []
        self.cache = Cache(self.keys.append)

    def heard(self) -> set[object]:
        found = set(self.keys)
        self.keys.clear()
        return found


@pytest.fixture
def told() -> Told:
    return Told()


@given(st.permutations([1, 2, 3, 4]), st.integers(0, 3))
def test_states_may_come_in_any_order_and_twice(order, again):
    cache = Told().cache
    for version in [*order, order[again]]:
        cache.put_match(builders.a_match(version=version, generation=version))
    assert cache.match(MatchUid("uid-m1")).generation == 4


def test_what_was_deleted_never_comes_back(told):
    match = builders.a_match()
    told.cache.put_match(match)
    told.cache.drop_match(match.name, match.uid)
    assert not told.cache.put_match(dataclasses.replace(match, version=99))
    assert told.cache.match(match.uid) is None
    assert told.cache.gone_matches[match.uid].last == match


def test_a_deletion_of_one_incarnation_leaves_the_next(told):
    told.cache.put_match(builders.a_match(uid=MatchUid("second"), version=5))
    told.cache.drop_match(MatchName("m1"), MatchUid("first"))
    assert told.cache.match(MatchUid("second")) is not None


def test_a_new_incarnation_of_a_name_means_that_the_old_one_is_gone(told):
    old = builders.a_match()
    told.cache.put_match(old)
    told.cache.put_match(builders.a_match(uid=MatchUid("second"), version=5))
    assert [gone.last for gone in told.cache.gone_matches.values()] == [old]
    assert MatchKey(old.uid) in told.heard()


def test_a_match_that_waits_wakes_its_fleets(told):
    told.cache.put_match(builders.a_match(spec=builders.a_spec(fleets=["eu", "us"])))
    assert told.heard() == {MatchKey(MatchUid("uid-m1")), FleetKey("eu"), FleetKey("us")}


def test_a_server_that_becomes_ready_wakes_its_fleet_and_a_claimed_one_its_match(told):
    told.cache.put_pod(builders.a_pod())
    assert told.heard() == {FleetKey("eu")}
    told.cache.put_pod(builders.a_claimed_pod(version=2))
    assert told.heard() == {FleetKey("eu"), MatchKey(MatchUid("uid-m1"))}
    assert [p.name for p in told.cache.pods_of_match(MatchUid("uid-m1"))] == ["p1"]


def test_a_change_that_means_nothing_to_us_wakes_nobody(told):
    told.cache.put_pod(builders.a_pod())
    told.heard()
    told.cache.put_pod(builders.a_pod(version=2))
    assert told.heard() == set()
    assert told.cache.pod(builders.a_pod().uid).version == 2


def test_a_chosen_server_is_known_as_such_until_its_match_lets_go_of_it(told):
    match, pod = builders.an_assigned_match(), builders.a_pod()
    told.cache.put_match(match)
    assert told.cache.is_chosen(pod.uid)
    told.cache.put_match(builders.a_match(version=2))
    assert not told.cache.is_chosen(pod.uid)
    assert [m.name for m in told.cache.waiting()] == ["m1"]


def test_a_deleted_fleet_wakes_the_matches_that_wait_for_it(told):
    fleet = builders.a_fleet()
    told.cache.put_fleet(fleet)
    told.cache.put_match(builders.a_match())
    told.heard()
    told.cache.drop_fleet(fleet.name, fleet.uid)
    assert {MatchKey(MatchUid("uid-m1")), FleetKey("eu")} <= told.heard()
    assert "eu" in told.cache.deleted_fleets
    told.cache.put_fleet(builders.a_fleet(uid="another", version=9))
    assert "eu" not in told.cache.deleted_fleets


def test_only_what_is_older_than_a_complete_list_is_missed_in_it(told):
    told.cache.put_pod(builders.a_pod("old", version=5))
    told.cache.put_pod(builders.a_pod("new", version=11))
    told.cache.put_pod(builders.a_pod("there", version=5))
    listed = {"there": "uid-there"}
    assert told.cache.phantoms("pods", listed, 10) == [("old", "uid-old")]


def test_an_incarnation_that_a_list_replaced_is_missed_in_it(told):
    told.cache.put_pod(builders.a_pod("p1", version=5))
    assert told.cache.phantoms("pods", {"p1": "another"}, 10) == [("p1", "uid-p1")]
