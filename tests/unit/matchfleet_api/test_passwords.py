import asyncio
import threading

import argon2
import pytest

from matchfleet_api import errors, passwords


@pytest.fixture(scope="module")
def hasher():
    made = passwords.Passwords()
    yield made
    made.close()


async def test_a_password_is_right_for_its_own_hash_only(hasher):
    kept = await hasher.hashed("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await hasher.is_right("correct horse", kept)
    assert not await hasher.is_right("battery staple", kept)


async def test_an_account_that_does_not_exist_costs_a_verification_and_is_never_right(
    hasher, monkeypatch
):
    verified = []
    real = argon2.PasswordHasher.verify
    monkeypatch.setattr(argon2.PasswordHasher, "verify", lambda *a: verified.append(a) or real(*a))
    assert not await hasher.is_right("nobody has this password", None)
    assert len(verified) == 1


@pytest.mark.parametrize("kept", ["", "x", "$argon2id$v=19$m=1$broken"])
async def test_a_damaged_hash_is_nobodys_password(hasher, kept):
    assert not await hasher.is_right("x", kept)


def test_a_hash_of_other_parameters_is_weak(hasher):
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("x")
    assert hasher.is_weak(weak)


async def test_what_waits_beyond_the_bound_is_refused_at_once(monkeypatch):
    made = passwords.Passwords(threads=1, waiting=1)
    gate = threading.Event()
    monkeypatch.setattr(argon2.PasswordHasher, "hash", lambda *_: gate.wait(5) and "hash")
    inside = [asyncio.ensure_future(made.hashed("x")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(errors.Overloaded):
        await made.hashed("x")
    gate.set()
    assert await asyncio.gather(*inside) == ["hash", "hash"]
    assert await made.hashed("x") == "hash"
    made.close()
