"""Small decisions on text: mirrors, durations, records."""

import io
from pathlib import Path

import pytest

from tools.cluster import debian, places, ports, progress, records


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ("deb http://mirror.example.org/debian bookworm main", "http://mirror.example.org/debian"),
        (
            "deb [signed-by=/usr/share/k.gpg arch=amd64] https://m.example.org/debian/ sid main",
            "https://m.example.org/debian",
        ),
        (
            "Types: deb\nURIs: http://m.example.org/debian\nSuites: bookworm",
            "http://m.example.org/debian",
        ),
        (
            "deb https://apt.example.org/other stable main\ndeb http://m.example.org/debian x main",
            "http://m.example.org/debian",
        ),
        ("deb http://archive.ubuntu.com/ubuntu noble main", debian.DEFAULT_MIRROR),
        ("URIs: http://deb.example.org/debian-security", debian.DEFAULT_MIRROR),
        ("", debian.DEFAULT_MIRROR),
    ],
)
def test_debian_comes_from_the_mirror_the_host_uses(sources: str, expected: str) -> None:
    assert debian.mirror_in(sources) == expected


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 00 s"), (125, "2 min 05 s")]
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text


def test_each_step_says_when_it_begins_and_ends() -> None:
    out = io.StringIO()
    with progress.Reporter(out).step("compiling"):
        pass
    begun, ended = out.getvalue().splitlines()
    assert begun.endswith("compiling ...")
    assert "compiling: done in" in ended


def test_a_failed_step_says_so() -> None:
    out = io.StringIO()
    with pytest.raises(ValueError, match="no"), progress.Reporter(out).step("compiling"):
        raise ValueError("no")
    assert "compiling: failed after" in out.getvalue()


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    where = places.Places(cache=tmp_path, runtime=tmp_path)
    record = records.Record(
        name="matchfleet",
        ports=ports.Ports(api=8080, first_game=7000, last_game=7019),
        image_tag="dev-1",
        images={"matchfleet/redis": "aaa"},
        node_image="kindest/node:v1",
    )
    assert records.read("matchfleet", where=where) is None
    records.write(record, where=where)
    assert records.read("matchfleet", where=where) == record
    assert records.claimed(where) == ["matchfleet"]
    assert records.describe(record, where=where)["context"] == "kind-matchfleet"
    records.forget("matchfleet", where=where)
    assert records.claimed(where) == []


def test_the_cache_can_be_moved_with_all_that_is_in_it(tmp_path: Path) -> None:
    moved = places.places_for({"MATCHFLEET_CACHE_DIR": str(tmp_path)}, Path("/home/someone"))
    assert all(
        folder.is_relative_to(tmp_path) for folder in (moved.go, moved.engine, moved.runtime)
    )
    usual = places.places_for({}, Path("/home/someone"))
    assert usual.cache == Path("/home/someone/.cache/matchfleet")
