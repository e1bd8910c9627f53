import importlib.resources
import re

import pytest

from matchfleet_adapters.postgres import migrator, queries

FOLDER = importlib.resources.files("matchfleet_adapters.postgres")
FILES = sorted(f.name.removesuffix(".sql") for f in FOLDER.joinpath("sql").iterdir())


def test_queries_are_found_by_name():
    text = "-- for readers\n\n-- name: one\nSELECT 1\n\n-- name: two\n-- a reason\nSELECT 2\n"
    assert queries.parse(text) == {"one": "SELECT 1", "two": "-- a reason\nSELECT 2"}


def test_a_name_stands_once():
    with pytest.raises(ValueError, match="named twice"):
        queries.parse("-- name: a\nSELECT 1\n-- name: a\nSELECT 2\n")


@pytest.mark.parametrize("file", FILES)
def test_every_file_holds_queries_and_code_asks_for_each(file):
    source = "".join(f.read_text() for f in FOLDER.iterdir() if f.name.endswith(".py")) + "".join(
        f.read_text()
        for f in importlib.resources.files("matchfleet_api.audit").iterdir()
        if f.name.endswith(".py")
    )
    for name in queries.queries(file):
        assert re.search(rf'"{name}"', source), f"nobody asks for {file}.{name}"


def test_migrations_count_from_one_without_a_gap():
    found = migrator.migrations()
    assert [m.version for m in found] == list(range(1, len(found) + 1))
    assert migrator.latest_version() == found[-1].version


def test_a_migrations_checksum_follows_its_text():
    one = migrator.Migration(1, "a", "SELECT 1")
    assert one.checksum == migrator.Migration(1, "a", "SELECT 1").checksum
    assert one.checksum != migrator.Migration(1, "a", "SELECT 2").checksum
