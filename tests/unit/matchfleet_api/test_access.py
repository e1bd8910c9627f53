"""Hostile access tokens: every one is refused, and refused as the same kind of nothing."""

import datetime

import pytest
from hostile_tokens import HOSTILE, OLD, OURS, PLAYER, signed
from tickets import NOW, later

from matchfleet_api import access, errors, keyring
from matchfleet_contracts import keys, tokens


class Clock:
    def __init__(self, at: datetime.datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime.datetime:
        return self.at


@pytest.fixture
def ring(tmp_path):
    path = tmp_path / "signing.json"
    path.write_bytes(keys.encode_private([OURS, OLD]))
    return keyring.Keyring(path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer(ring, clock):
    return access.AccessTokens(ring, now=clock, new_id=lambda: "id-1")


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_token_is_refused(issuer, token):
    with pytest.raises(errors.Unauthenticated):
        issuer.check(token)
    with pytest.raises(errors.Unauthenticated):
        issuer.check(token)


def test_what_is_issued_is_accepted(issuer):
    found = issuer.check(issuer.issue("p1", ["player"]))
    assert (found.sub, found.roles) == ("p1", ["player"])


def test_a_key_that_no_longer_signs_still_verifies(issuer):
    assert issuer.check(signed(key=OLD)).sub == PLAYER


def test_a_remembered_token_expires_all_the_same(issuer, clock):
    token = issuer.issue("p1", ["player"])
    issuer.check(token)
    clock.at = later(tokens.ACCESS_SECONDS + tokens.LEEWAY_SECONDS)
    with pytest.raises(errors.Unauthenticated):
        issuer.check(token)


def test_a_removed_key_takes_its_remembered_tokens_with_it(issuer, ring, tmp_path, monkeypatch):
    token = signed(key=OLD)
    issuer.check(token)
    (tmp_path / "signing.json").write_bytes(keys.encode_private([OURS]))
    monkeypatch.setattr(keyring, "_LOOK_PERIOD_S", -1.0)
    with pytest.raises(errors.Unauthenticated):
        issuer.check(token)
