"""Versions are found in what programs print, and compared as numbers."""

import pytest

from tools.cluster import versions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.24 linux/arm64", (1, 24)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", (1, 32, 4)),
        ("kind v0.33.0 go1.26.8 linux/amd64", (0, 33, 0)),
        ("v3.19.5+g8f8a4d8", (3, 19, 5)),
        ("", None),
        ("command not found", None),
    ],
)
def test_the_first_dotted_number_is_the_version(
    text: str, expected: versions.Version | None
) -> None:
    assert versions.parse_version(text) == expected


@pytest.mark.parametrize(
    ("version", "minimum", "expected"),
    [
        ((1, 24), (1, 24), True),
        ((1, 24, 0), (1, 24), True),
        ((1, 9, 9), (1, 24), False),
        ((2, 0), (1, 24), True),
        (None, (1, 24), False),
    ],
)
def test_versions_compare_as_numbers_and_the_unknown_is_too_old(
    version: versions.Version | None, minimum: versions.Version, expected: bool
) -> None:
    assert versions.is_at_least(version, minimum) is expected
