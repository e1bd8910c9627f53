import datetime
import urllib.parse

import pytest

from matchfleet_api import errors
from matchfleet_api.commands import installs
from matchfleet_contracts import keys

NOW = datetime.datetime(2026, 5, 4, 12, tzinfo=datetime.UTC)
NAMES = installs.Names("matchfleet")


class MemoryObjects:
    """Secrets and ConfigMaps in memory."""

    def __init__(self):
        self.secrets = {}
        self.config_maps = {}

    async def secret(self, name, data, *, labels):
        assert labels["app.kubernetes.io/instance"] == "matchfleet"
        return self.secrets.setdefault(name, dict(data))

    async def config_map(self, name, data, *, labels):
        assert labels["app.kubernetes.io/instance"] == "matchfleet"
        return self.config_maps.setdefault(name, dict(data))


async def test_an_install_gets_all_that_its_processes_mount():
    objects = MemoryObjects()
    await installs.make(objects, NAMES, now=NOW)
    assert {name: set(data) for name, data in objects.secrets.items()} == {
        "matchfleet-api-keys": {"signing.json"},
        "matchfleet-operator-keys": {"signing.json"},
        "matchfleet-postgres": {"password", "dsn"},
        "matchfleet-redis": {"password", "url"},
        "matchfleet-rabbitmq": {"password", "url"},
        "matchfleet-admin": {"token"},
    }
    assert set(objects.config_maps["matchfleet-public-keys"]) == {"api.json", "operator.json"}


async def test_addresses_carry_their_password_and_name_the_service():
    objects = MemoryObjects()
    await installs.make(objects, NAMES, now=NOW)
    for store, kind, port in (("postgres", "dsn", 5432), ("redis", "url", 6379)):
        kept = objects.secrets[f"matchfleet-{store}"]
        address = urllib.parse.urlsplit(kept[kind].decode())
        assert address.password == kept["password"].decode()
        assert (address.hostname, address.port) == (f"matchfleet-{store}", port)


async def test_what_exists_stays_and_public_keys_follow_from_it():
    objects = MemoryObjects()
    mine = keys.new_signing_key(b"\x07" * 32)
    objects.secrets["matchfleet-api-keys"] = {"signing.json": keys.encode_private([mine])}
    objects.secrets["matchfleet-admin"] = {"token": b"chosen by hand"}
    await installs.make(objects, NAMES, now=NOW)
    public = objects.config_maps["matchfleet-public-keys"]["api.json"]
    assert set(keys.decode_public(public.encode()).by_kid) == {mine.kid}
    assert objects.secrets["matchfleet-admin"]["token"] == b"chosen by hand"
    before = {name: dict(data) for name, data in objects.secrets.items()}
    await installs.make(objects, NAMES, now=NOW)
    assert objects.secrets == before


async def test_a_gateway_gets_a_certificate_once_and_only_when_asked_for():
    objects = MemoryObjects()
    await installs.make(objects, NAMES, now=NOW)
    assert "matchfleet-gateway-tls" not in objects.secrets
    await installs.make(objects, NAMES, now=NOW, gateway="play.example")
    made = objects.secrets["matchfleet-gateway-tls"]
    assert set(made) == {"tls.crt", "tls.key", "ca.crt"}
    await installs.make(objects, NAMES, now=NOW, gateway="play.example")
    assert objects.secrets["matchfleet-gateway-tls"] is made


async def test_a_secret_that_is_not_ours_is_named():
    objects = MemoryObjects()
    objects.secrets["matchfleet-api-keys"] = {"tls.crt": b""}
    with pytest.raises(errors.KeysInvalid, match="matchfleet-api-keys has no signing"):
        await installs.make(objects, NAMES, now=NOW)
