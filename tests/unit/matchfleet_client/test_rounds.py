"""Many matches: what half of the players, and nearly all of them, waited at most."""

import pytest

from matchfleet_client import accounts, rounds
from matchfleet_contracts.ids import MatchId


def an_account(playable_s: float) -> accounts.Account:
    return accounts.Account(
        match=MatchId("m"),
        endpoint="ws://x",
        region="eu",
        standings=[],
        draw=True,
        ratings={},
        ticks=60,
        achieved_hz=60.0,
        late_ticks=0,
        ticket_to_playable_s=playable_s,
        end_to_rating_s=0.5,
    )


@pytest.mark.parametrize(
    ("waits", "p50_s", "p99_s"),
    [
        pytest.param([0.4], 0.4, 0.4, id="one"),
        pytest.param([3.0, 1.0, 2.0], 2.0, 3.0, id="three, in no order"),
        pytest.param([float(n) for n in range(1, 51)], 25.0, 50.0, id="fifty: p99 is the longest"),
        pytest.param([float(n) for n in range(1, 201)], 100.0, 198.0, id="two hundred"),
    ],
)
def test_a_percentile_is_the_wait_of_one_of_the_matches(waits, p50_s, p99_s):
    found = rounds.of_accounts([an_account(wait) for wait in waits])
    assert (found.p50_s, found.p99_s) == (p50_s, p99_s)
    assert found.ticket_to_playable_s == waits
    assert found.matches == len(waits)


def test_people_read_one_sentence():
    told = rounds.sentence(rounds.of_accounts([an_account(0.4), an_account(0.6)]))
    assert told == "2 matches, from ticket to playable: p50 0.40 s, p99 0.60 s, most 0.60 s"
