"""How many frames a client may send."""

from matchfleet_gameserver import limits


def test_a_burst_of_two_seconds_and_then_what_comes_in() -> None:
    bucket = limits.Bucket(per_second=10, at=0.0)
    assert [bucket.take(0.0) for _ in range(21)] == [True] * 20 + [False]
    assert [bucket.take(0.35) for _ in range(4)] == [True] * 3 + [False]
    assert [bucket.take(1000.0) for _ in range(21)] == [True] * 20 + [False]
