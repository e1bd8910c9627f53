"""Chance is the same on every machine."""

import hypothesis
from hypothesis import strategies as st

from matchfleet_gameserver import rng

GOLDEN = [3681834223, 2982396236, 1522662800, 1807053345]


def test_the_stream_of_a_seed_is_fixed() -> None:
    one = rng.Rng.seeded(7)
    assert [one.next_u32() for _ in range(4)] == GOLDEN


@hypothesis.given(st.integers(0, 2**64 - 1))
def test_a_saved_stream_goes_on(seed: int) -> None:
    one = rng.Rng.seeded(seed)
    two = rng.Rng(one.state)
    assert [one.next_u32() for _ in range(5)] == [two.next_u32() for _ in range(5)]
    assert 0.0 <= one.next_unit() < 1.0


def test_seeds_differ_in_their_high_bits_too() -> None:
    assert rng.Rng.seeded(1).next_u32() != rng.Rng.seeded(1 + 2**32).next_u32()
