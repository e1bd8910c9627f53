"""What is told of a queue's depth, and when."""

import prometheus_client
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tickets import NOW, a_candidate, a_queue, later

from matchfleet_adapters import errors
from matchfleet_adapters.rabbitmq import MemoryPublisher
from matchfleet_api.matchmaking import depth
from matchfleet_contracts.events import QueueDepth, RegionDepth

QUEUE = a_queue(regions={"eu": ["a", "b"], "us": ["c"]})


def players(*waiting):
    found = depth.of(waiting, QUEUE)
    return {region: told.players for region, told in found.regions.items()}


@pytest.mark.parametrize(
    ("changes", "home"),
    [
        pytest.param({"rtt_ms": {"eu": 90, "us": 20}}, "us", id="the nearest"),
        pytest.param({"rtt_ms": {}}, "eu", id="unmeasured: the first"),
        pytest.param({"rtt_ms": {"eu": 10, "us": 50}, "avoid_region": "eu"}, "us", id="avoids one"),
        pytest.param({"rtt_ms": {"eu": 900, "us": 800}}, "us", id="none in reach: the least bad"),
    ],
)
def test_a_ticket_counts_where_it_would_play_alone(changes, home):
    other = {"eu": "us", "us": "eu"}[home]
    assert players(a_candidate(**changes)) == {home: 1, other: 0}


@given(st.lists(st.dictionaries(st.sampled_from(["eu", "us"]), st.integers(0, 400))))
def test_every_ticket_counts_once(trips):
    assert sum(players(*(a_candidate(rtt_ms=t) for t in trips)).values()) == len(trips)


def test_a_depth_names_the_fleets_of_each_region_in_order():
    assert depth.of([], QUEUE) == QueueDepth(
        "airhockey", "blitz", {"eu": RegionDepth(0, ["a", "b"]), "us": RegionDepth(0, ["c"])}
    )


class Stage:
    """A teller, whoever waits, and the time."""

    def __init__(self):
        self.waiting = None
        self.time = NOW
        self.publisher = MemoryPublisher()
        self.teller = depth.Teller(
            QUEUE,
            self.publisher,
            look=lambda: None if self.waiting is None else depth.of(self.waiting, QUEUE),
            now=self,
            new_id=lambda: "e",
            pace=depth.Pace(period_s=1.0, repeat_s=10.0),
        )

    def now(self):
        return self.time

    async def at(self, seconds, *waiting):
        """So many wait then; what was told then, by region."""
        self.time, self.waiting = later(seconds), waiting
        before = len(self.publisher.published)
        await self.teller.run_round()
        return [
            {region: told.players for region, told in event.data.regions.items() if told.players}
            for event in self.publisher.published[before:]
        ]


@pytest.fixture
def stage():
    return Stage()


ONE = a_candidate(rtt_ms={"eu": 10})
TWO = a_candidate(rtt_ms={"us": 10})


async def test_nothing_is_told_before_the_queue_was_read(stage):
    await stage.teller.run_round()
    assert stage.publisher.published == []


async def test_a_change_is_told_at_once_and_no_other_within_a_second(stage):
    assert await stage.at(0) == [{}]
    assert await stage.at(2, ONE) == [{"eu": 1}]
    assert await stage.at(2.9, ONE, TWO) == []
    assert await stage.at(3, ONE, TWO) == [{"eu": 1, "us": 1}]
    assert await stage.at(4) == [{}]


async def test_what_does_not_change_is_told_now_and_then(stage):
    told = [len(await stage.at(second, ONE)) for second in range(21)]
    assert told == [1] + [0] * 9 + [1] + [0] * 9 + [1]


async def test_what_the_broker_did_not_take_is_not_told(stage):
    stage.publisher.failures = 1
    with pytest.raises(errors.PublishFailed):
        await stage.at(0, ONE)
    assert await stage.at(0.1, ONE) == [{"eu": 1}]


async def test_the_metric_shows_the_number_that_is_told_and_falls_with_the_ownership(stage):
    def shown(region):
        labels = {"queue": QUEUE.key, "region": region}
        return prometheus_client.REGISTRY.get_sample_value("matchfleet_queue_players", labels)

    await stage.at(0, ONE, TWO, ONE)
    assert (shown("eu"), shown("us")) == (2, 1)
    stage.teller.fall_silent()
    assert (shown("eu"), shown("us")) == (0, 0)
