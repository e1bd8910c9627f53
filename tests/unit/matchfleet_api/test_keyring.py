import pytest

from matchfleet_api import errors, keyring
from matchfleet_contracts import keys

FIRST = keys.new_signing_key(b"\x01" * 32)
SECOND = keys.new_signing_key(b"\x02" * 32)


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(keyring, "_LOOK_PERIOD_S", -1.0)
    path = tmp_path / "signing.json"
    path.write_bytes(keys.encode_private([FIRST]))
    return path


def test_a_rotation_needs_no_restart(path):
    ring = keyring.Keyring(path)
    assert ring.current().signing.kid == FIRST.kid
    path.write_bytes(keys.encode_private([SECOND, FIRST]))
    assert ring.current().signing.kid == SECOND.kid
    assert set(ring.current().public.by_kid) == {FIRST.kid, SECOND.kid}


@pytest.mark.parametrize("text", [b"", b"{}", b'{"keys":[]}', keys.encode_public([SECOND])])
def test_a_bad_rotation_leaves_the_keys_that_were_read_last(path, text):
    ring = keyring.Keyring(path)
    path.write_bytes(text)
    assert ring.current().signing.kid == FIRST.kid
    path.unlink()
    assert ring.current().signing.kid == FIRST.kid


def test_a_process_does_not_start_without_keys(tmp_path):
    with pytest.raises(errors.KeysInvalid, match=r"MATCHFLEET_API_SIGNING_KEYS.*nowhere"):
        keyring.Keyring(tmp_path / "nowhere")


def test_private_parts_are_not_shown(path):
    shown = repr(keyring.Keyring(path).current())
    assert "seed" not in shown
    assert '"d"' not in shown
