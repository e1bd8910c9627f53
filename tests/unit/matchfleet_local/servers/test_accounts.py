"""The servers' directory is ours, private, and reachable for the account that serves."""

import os
from pathlib import Path

import pytest

from matchfleet_local.servers import accounts, errors

OURSELVES = accounts.Account("us", os.geteuid(), os.getegid())
SOMEBODY = accounts.Account("nobody", 65534, 65534)


def test_we_never_serve_as_root() -> None:
    assert accounts.for_servers().uid != 0


def test_for_ourselves_the_directory_is_closed_to_all_others(tmp_path: Path) -> None:
    home = accounts.home_for(tmp_path / "servers", OURSELVES)
    assert home == tmp_path / "servers"
    assert home.stat().st_mode & 0o777 == 0o700


def test_another_account_may_pass_but_not_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "_can_pass", lambda _: True)
    home = accounts.home_for(tmp_path / "servers", SOMEBODY)
    assert home.stat().st_mode & 0o777 == 0o711


def test_below_a_closed_directory_the_servers_live_in_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, temporary = tmp_path / "closed", tmp_path / "tmp"
    closed.mkdir(mode=0o700)
    temporary.mkdir()
    monkeypatch.setattr(accounts.tempfile, "gettempdir", lambda: str(temporary))
    home = accounts.home_for(closed / "servers", SOMEBODY)
    assert home.parent == temporary
    assert home == accounts.home_for(closed / "servers", SOMEBODY)
    assert home != accounts.home_for(closed / "others", SOMEBODY)


def test_a_link_in_the_directorys_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "servers").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(errors.DirectoryRefused):
        accounts.home_for(tmp_path / "servers", OURSELVES)


def test_a_secret_is_never_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (tmp_path / "password").symlink_to(victim)
    accounts.place(tmp_path / "password", "secret", OURSELVES)
    assert victim.read_text() == "untouched"
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
