import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from matchfleet_client import backoff


@given(
    seed=st.integers(),
    first_s=st.floats(0.01, 1),
    most_s=st.floats(1, 30),
    tries=st.integers(0, 20),
)
def test_waits_grow_to_their_bound_and_end_after_the_tries(
    seed: int, first_s: float, most_s: float, tries: int
) -> None:
    plan = backoff.Backoff(first_s=first_s, factor=2.0, most_s=most_s, tries=tries)
    waits = list(backoff.waits(plan, rng=random.Random(seed)))
    assert len(waits) == tries
    assert all(0.0 <= wait <= min(most_s, first_s * 2.0**index) for index, wait in enumerate(waits))


def test_without_a_limit_it_never_gives_up() -> None:
    waits = backoff.waits(backoff.Backoff(most_s=1.0, tries=None), rng=random.Random(1))
    assert len(list(itertools.islice(waits, 1000))) == 1000
