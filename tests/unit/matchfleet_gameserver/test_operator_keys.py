"""Whose assignments a server believes."""

import datetime
from pathlib import Path

import pytest

from matchfleet_contracts import keys, tokens
from matchfleet_contracts.resources import MatchSpec
from matchfleet_gameserver import errors, operator_keys

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
OLD, NEW = (keys.new_signing_key(bytes((n,)) * 32) for n in (1, 2))


def _token(key: keys.SigningKey, *, aud: str = "pod", at: datetime.datetime = NOW) -> str:
    issued = int(at.timestamp())
    spec = MatchSpec(game="g", mode="m", region="eu", fleets=["f"])
    claims = tokens.AssignmentClaims(
        aud=aud,
        iat=issued,
        exp=issued + tokens.ASSIGNMENT_SECONDS,
        jti="j",
        match="m",
        match_uid="uid",
        spec=spec,
        api_jwks="{}",
    )
    return tokens.sign(claims, key)


def _keys(path: Path, *held: keys.SigningKey) -> operator_keys.OperatorKeys:
    path.write_bytes(keys.encode_public(list(held)))
    return operator_keys.OperatorKeys(path)


def test_a_token_of_the_operator_is_believed(tmp_path: Path) -> None:
    known = _keys(tmp_path / "keys", OLD)
    assert known.verify(_token(OLD), pod_uid="pod", now=NOW).match_uid == "uid"


def test_the_file_is_read_again_after_a_rotation(tmp_path: Path) -> None:
    known = _keys(tmp_path / "keys", OLD)
    known.verify(_token(OLD), pod_uid="pod", now=NOW)
    with pytest.raises(errors.TokenRefused, match="unknown key"):
        known.verify(_token(NEW), pod_uid="pod", now=NOW)
    (tmp_path / "keys").write_bytes(keys.encode_public([NEW, OLD]))
    known.verify(_token(NEW), pod_uid="pod", now=NOW)
    known.verify(_token(OLD), pod_uid="pod", now=NOW)


def test_a_token_for_another_pod_or_out_of_its_time_is_refused(tmp_path: Path) -> None:
    known = _keys(tmp_path / "keys", OLD)
    with pytest.raises(errors.TokenRefused, match="for 'other'"):
        known.verify(_token(OLD, aud="other"), pod_uid="pod", now=NOW)
    late = NOW + datetime.timedelta(seconds=66)
    with pytest.raises(errors.TokenRefused, match="expired"):
        known.verify(_token(OLD), pod_uid="pod", now=late)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff"])
def test_keys_that_cannot_be_read_refuse_every_token(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.TokenRefused, match="keys"):
        operator_keys.OperatorKeys(path).verify(_token(OLD), pod_uid="pod", now=NOW)
