"""Keys are rotated in place: what signs next is what the file says then."""

from pathlib import Path

from matchfleet_contracts import keys
from matchfleet_operator.acting.assign import KeyFiles


def test_a_rotated_key_signs_the_next_assignment(tmp_path: Path):
    old, new = (keys.new_signing_key(bytes([n]) * keys.SEED_BYTES) for n in (1, 2))
    files = KeyFiles(signing=tmp_path / "signing.json", api_public=tmp_path / "api.json")
    files.signing.write_bytes(keys.encode_private([old]))
    files.api_public.write_bytes(keys.encode_public([old]))
    assert files.signing_key().kid == old.kid
    assert files.signing_key() is files.signing_key()
    for path, text in (
        (files.signing, keys.encode_private([new])),
        (files.api_public, keys.encode_public([new])),
    ):
        # As Kubernetes does it: another file takes the place of the first.
        fresh = path.with_suffix(".fresh")
        fresh.write_bytes(text)
        fresh.replace(path)
    assert files.signing_key().kid == new.kid
    assert new.kid in files.api_jwks()
