"""Every code block of README.md is run: here, in tests/integration and in tests/e2e."""

import subprocess
import tomllib
from pathlib import Path

import readme

from matchfleet_contracts.resources import PlayerKind, RosterEntry
from matchfleet_gameserver import game

ROOT = Path(__file__).parents[2]
RUN_BY = {
    "make demo": "tests/integration/test_readme.py",
    "make up": "tools/e2e.py",
    "kubectl": "tests/e2e/test_readme.py",
    "helm upgrade": "tests/e2e/test_readme.py",
    "make test": ".ci/run",
}


def test_every_block_has_somebody_who_runs_it() -> None:
    assert readme.languages() == {"sh", "python", "toml", "mermaid"}
    for block in readme.blocks("sh"):
        runners = [file for verb, file in RUN_BY.items() if block.startswith(verb)]
        assert len(runners) == 1, block
        assert (ROOT / runners[0]).exists(), runners[0]


def test_the_game_of_the_readme_plays_to_its_end() -> None:
    (source,) = readme.blocks("python")
    space: dict[str, object] = {}
    exec(source, space)  # noqa: S102
    race = space["Race"]()  # type: ignore[operator]
    race.start({}, [RosterEntry(seat=s, kind=PlayerKind.HUMAN, id=f"p{s}") for s in (0, 1)], seed=1)
    steps = race.parse_input(b"\x03")
    ticks = 1
    while not race.tick({game.Seat(1): steps}).is_over:
        ticks += 1
    assert ticks == 334
    assert [(p.seat, p.rank) for p in race.places()] == [(0, 2), (1, 1)]


def test_the_entry_point_of_the_readme_is_one() -> None:
    (text,) = readme.blocks("toml")
    points = tomllib.loads(text)["project"]["entry-points"]
    assert points == {"matchfleet.games": {"race": "race:Race"}}


def test_every_file_that_the_readme_names_exists() -> None:
    named = {
        word.strip("`")
        for word in readme.README.read_text().replace("|", " ").split()
        if word.startswith("`") and ("/" in word or word.endswith(".md`"))
    }
    files = {n for n in named if not n.startswith("matchfleet/") and n.strip("./,`")}
    missing = {n for n in files if not (ROOT / n.rstrip(",.:`")).exists()}
    assert not missing


def test_make_alone_lists_the_verbs_that_the_readme_names() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    verbs = {line.split()[0] for line in listed.splitlines() if line.startswith("  ")}
    assert {"demo", "up", "down", "clean", "doctor", "test", "check", "images", "e2e"} <= verbs
