"""What a Match that waits in vain is told."""

import pytest

from matchfleet_contracts.resources import Reason
from matchfleet_operator.planning import conditions, supply
from matchfleet_operator.planning.conditions import Said
from matchfleet_operator.planning.seen import FleetStatus
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.builders import at


def saying(*said: Said):
    status = FleetStatus(conditions=conditions.merged((), *said, now=at(0)))
    return {"eu": builders.a_fleet(status=status)}


@pytest.mark.parametrize(
    ("fleets", "deleted", "hope", "reason", "words"),
    [
        pytest.param(
            {}, set(), supply.Hope.SOME, Reason.FLEET_GONE, "not there: eu", id="never there"
        ),
        pytest.param({}, {"eu"}, supply.Hope.NONE, Reason.FLEET_GONE, "deleted: eu", id="deleted"),
        pytest.param(
            {"eu": builders.a_fleet(deleting=True)},
            set(),
            supply.Hope.NONE,
            Reason.FLEET_GONE,
            "deleted",
            id="being deleted",
        ),
        pytest.param(
            {"eu": builders.a_fleet(game="chess")},
            set(),
            supply.Hope.SOME,
            Reason.NO_CAPACITY,
            "eu plays chess",
            id="another game",
        ),
        pytest.param(
            saying(Said(supply.CAPACITY_LIMITED, status=True, reason="AtMax")),
            set(),
            supply.Hope.SOME,
            Reason.NO_CAPACITY,
            "eu (max 10)",
            id="full",
        ),
        pytest.param(
            saying(Said(supply.DEGRADED, status=True, reason="CannotStart", message="bad image")),
            set(),
            supply.Hope.SOME,
            Reason.ASSIGN_TIMEOUT,
            "bad image",
            id="servers do not start",
        ),
        pytest.param(
            saying(Said(supply.PROGRESSING, status=True, reason="X", message="p: no cpu")),
            set(),
            supply.Hope.SOME,
            Reason.ASSIGN_TIMEOUT,
            "no cpu",
            id="servers start slowly",
        ),
        pytest.param(
            {"eu": builders.a_fleet()},
            set(),
            supply.Hope.SOME,
            Reason.ASSIGN_TIMEOUT,
            "in time",
            id="no server in time",
        ),
    ],
)
def test_the_reason_is_what_the_fleets_say(fleets, deleted, hope, reason, words):
    found = supply.of_match(builders.a_match(), fleets=fleets, deleted=deleted)
    assert (found.hope, found.reason) == (hope, reason)
    assert words in found.message
