import pytest
from tickets import a_candidate, a_queue

from matchfleet_api.matchmaking import regions

QUEUE = a_queue(regions={"eu": ["f-eu"], "us": ["f-us"], "as": ["f-as"]})


@pytest.mark.parametrize(
    ("trips", "wanted"),
    [
        pytest.param([{"eu": 10, "us": 90}, {"eu": 100, "us": 95}], "us", id="worst trip decides"),
        pytest.param([{"eu": 20, "us": 120}, {"eu": 25, "us": 110}], "eu", id="near both"),
        pytest.param([{"eu": 80, "us": 80}, {"eu": 10, "us": 20}], "eu", id="then the lower sum"),
        pytest.param([{"eu": 50, "us": 50}, {"eu": 50, "us": 50}], "eu", id="then the first"),
        pytest.param([{"us": 150}, {}], "us", id="unmeasured counts as the cap"),
        pytest.param([{"us": 150}, {"us": 199}], "us", id="measured is preferred"),
    ],
)
def test_the_region_with_the_lowest_worst_trip_is_chosen(trips, wanted):
    group = [a_candidate(rtt_ms=t) for t in trips]
    assert regions.best(group, QUEUE, among=list(QUEUE.regions)) == wanted


@pytest.mark.parametrize(
    ("trips", "avoid", "wanted"),
    [
        pytest.param({"eu": 10, "us": 200, "as": 201}, None, ("eu", "us"), id="the cap is in"),
        pytest.param({"eu": 10, "us": 20, "as": 300}, "eu", ("us",), id="avoids a failed region"),
        pytest.param({"eu": 10, "us": 300, "as": 300}, "eu", ("eu",), id="unless it is the only"),
        pytest.param({"eu": 300, "us": 300, "as": 300}, "eu", (), id="nowhere in reach"),
        pytest.param({}, None, ("eu", "us", "as"), id="unmeasured is possible"),
    ],
)
def test_where_a_ticket_may_play(trips, avoid, wanted):
    assert regions.possible(a_candidate(rtt_ms=trips, avoid_region=avoid), QUEUE) == wanted
