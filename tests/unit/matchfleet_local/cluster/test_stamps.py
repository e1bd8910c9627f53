"""Moments and ages as the API and kubectl write them."""

import datetime

import pytest

from matchfleet_local.cluster import stamps

BORN = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (-3, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"),
        (3 * 3600 - 1, "179m"), (3 * 3600, "3h"), (3 * 3600 + 60, "3h1m"), (8 * 3600, "8h"),
        (47 * 3600, "47h"), (48 * 3600, "2d"), (49 * 3600, "2d1h"), (8 * 86400, "8d"),
        (900 * 86400, "2y"),
    ],
)  # fmt: skip
def test_ages_as_kubectl_shows_them(seconds: int, age: str) -> None:
    now = stamps.moment(BORN) + datetime.timedelta(seconds=seconds)
    assert stamps.age(BORN, now) == age


def test_moments_are_written_in_utc() -> None:
    moment = datetime.datetime.fromisoformat("2026-01-01T02:00:00.000123+02:00")
    assert stamps.text(moment) == BORN
    assert stamps.micro_text(moment) == "2026-01-01T00:00:00.000123Z"
    assert stamps.moment(stamps.text(moment)) == stamps.moment(BORN)
