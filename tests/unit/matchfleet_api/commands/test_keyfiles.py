import stat

from matchfleet_api.commands import keyfiles
from matchfleet_contracts import keys


def test_an_install_gets_all_its_files_once(tmp_path):
    folder = tmp_path / "new" / "keys"
    assert {p.name for p in keyfiles.write(folder)} == {
        "api-signing.json",
        "api-public.json",
        "operator-signing.json",
        "operator-public.json",
        "admin-token",
    }
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert keyfiles.write(folder) == []
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_what_is_private_is_readable_by_its_owner_alone(tmp_path):
    keyfiles.write(tmp_path)
    for name in ("api-signing.json", "operator-signing.json", "admin-token"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_public_files_hold_no_private_part_and_match(tmp_path):
    keyfiles.write(tmp_path)
    for owner in ("api", "operator"):
        text = (tmp_path / f"{owner}-public.json").read_bytes()
        assert b'"d"' not in text
        (signing,) = keys.decode_private((tmp_path / f"{owner}-signing.json").read_bytes())
        assert set(keys.decode_public(text).by_kid) == {signing.kid}


def test_after_a_rotation_the_public_file_follows(tmp_path):
    keyfiles.write(tmp_path)
    path = tmp_path / "api-signing.json"
    new = keys.new_signing_key(b"\x05" * 32)
    path.write_bytes(keys.encode_private([new, *keys.decode_private(path.read_bytes())]))
    assert [p.name for p in keyfiles.write(tmp_path)] == ["api-public.json"]
    public = keys.decode_public((tmp_path / "api-public.json").read_bytes())
    assert len(public.by_kid) == 2
