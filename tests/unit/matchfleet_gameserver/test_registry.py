"""Games are found by name, built in or installed beside the server."""

import sys
from pathlib import Path

import pytest

from matchfleet_gameserver import errors, registry
from matchfleet_gameserver.games.airhockey import AirHockey


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on the path with a distribution that registers two games."""
    (tmp_path / "mygames.py").write_text(
        "from matchfleet_gameserver.games.airhockey import AirHockey\n"
        "import dataclasses\n"
        "class Mine(AirHockey):\n"
        "    spec = dataclasses.replace(AirHockey.spec, name='mine')\n"
        "class NoGame:\n"
        "    pass\n"
    )
    info = tmp_path / "mygames-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mygames\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[matchfleet.games]\nmine = mygames:Mine\nnone = mygames:NoGame\n"
        "other = mygames:Mine\ngone = mygames:Gone\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mygames", raising=False)
    return tmp_path


def test_airhockey_comes_with_the_server() -> None:
    assert registry.load("airhockey") is AirHockey


@pytest.mark.usefixtures("installed")
def test_an_installed_game_is_found() -> None:
    assert registry.load("mine").spec.name == "mine"


@pytest.mark.usefixtures("installed")
def test_an_unknown_game_names_those_there_are() -> None:
    with pytest.raises(errors.GameUnknown, match="installed are airhockey, gone, mine"):
        registry.load("chess")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none", "not a subclass of Game"),
        ("other", "its spec is"),
        ("gone", "Gone"),
    ],
)
def test_what_is_registered_but_no_game_is_refused(name: str, why: str) -> None:
    with pytest.raises(errors.GameBroken, match=why):
        registry.load(name)
