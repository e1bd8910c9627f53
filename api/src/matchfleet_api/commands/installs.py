"""`keys --namespace NS`: keys, passwords, the admin token and a certificate as Kubernetes objects.

What exists stays; the public sets are made from the private ones that are in force, so that a
half-finished run continues where it stopped.
"""

import datetime
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from matchfleet_adapters.kubernetes import connection, material
from matchfleet_api import errors
from matchfleet_api.commands import certificates, keyfiles

log = structlog.get_logger(__name__)
_SIGNING = "signing.json"
_PASSWORD_BYTES = 24


class Objects(Protocol):
    """Secrets and ConfigMaps: made if absent, and read back as they are."""

    async def secret(
        self, name: str, data: Mapping[str, bytes], *, labels: Mapping[str, str]
    ) -> dict[str, bytes]:
        """What the Secret holds, made of `data` if there is none."""
        ...

    async def config_map(
        self, name: str, data: Mapping[str, str], *, labels: Mapping[str, str]
    ) -> dict[str, str]:
        """What the ConfigMap holds, made of `data` if there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """What the objects of an install are called; `release` is the chart's full name."""

    release: str

    def signing(self, owner: str) -> str:
        """The Secret of a signing key set."""
        return f"{self.release}-{owner}-keys"

    def store(self, store: str) -> str:
        """The Secret of a datastore, and the Service it is reached at inside the namespace."""
        return f"{self.release}-{store}"

    @property
    def public(self) -> str:
        """The ConfigMap of both public key sets."""
        return f"{self.release}-public-keys"

    @property
    def admin(self) -> str:
        """The Secret of the admin token."""
        return f"{self.release}-admin"

    @property
    def certificate(self) -> str:
        """The Secret of the gateway's own certificate."""
        return f"{self.release}-gateway-tls"


async def run(
    kubeconfig: Path | None,
    *,
    namespace: str,
    release: str,
    gateway: str | None,
    now: datetime.datetime,
) -> None:
    """Make what is absent.

    gateway: the address that a certificate is made for; None when none is needed.

    Raises:
        errors.KeysInvalid: an object is there and does not hold what it should.
        matchfleet_adapters.errors.AdapterError: the API server does not answer, or refuses.
    """
    async with connection.connected(kubeconfig) as api_client:
        objects = material.Material(api_client, namespace)
        await make(objects, Names(release), gateway=gateway, now=now)


async def make(
    objects: Objects, names: Names, *, now: datetime.datetime, gateway: str | None = None
) -> None:
    """Make what is absent through `objects`."""
    labels = {
        "app.kubernetes.io/name": "matchfleet",
        "app.kubernetes.io/instance": names.release,
        "app.kubernetes.io/managed-by": "matchfleet-keys",
    }
    public: dict[str, str] = {}
    for owner in (keyfiles.API, keyfiles.OPERATOR):
        name = names.signing(owner)
        fresh = {_SIGNING: keyfiles.new_material().private}
        kept = await objects.secret(name, fresh, labels=labels)
        if _SIGNING not in kept:
            raise errors.KeysInvalid(
                f"Secret {name} has no {_SIGNING}: delete it and run this again"
            )
        public[f"{owner}.json"] = keyfiles.public_half(kept[_SIGNING]).decode()
        log.info("signing_keys_in_place", secret=name)
    await objects.config_map(names.public, public, labels=labels)
    for store, fresh in _stores(names).items():
        await objects.secret(names.store(store), fresh, labels=labels)
    token = {"token": keyfiles.new_admin_token().encode()}
    await objects.secret(names.admin, token, labels=labels)
    if gateway is not None:
        # A machine's own names beside it, so that a try on one machine needs no DNS.
        hosts = list(dict.fromkeys([gateway, "localhost", "127.0.0.1"]))
        made = certificates.self_made(hosts, now=now)
        await objects.secret(names.certificate, made, labels=labels)
        log.info("certificate_in_place", secret=names.certificate)
    log.info("install_keys_in_place", release=names.release)


def _stores(names: Names) -> dict[str, dict[str, bytes]]:
    """Fresh passwords of the datastores that the chart brings, and how they are reached."""

    def kept(kind: str, before: str, after: str) -> dict[str, bytes]:
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        return {"password": password.encode(), kind: f"{before}{password}{after}".encode()}

    host = names.store
    return {
        "postgres": kept("dsn", "postgresql://matchfleet:", f"@{host('postgres')}:5432/matchfleet"),
        "redis": kept("url", "redis://:", f"@{host('redis')}:6379/0"),
        "rabbitmq": kept("url", "amqp://matchfleet:", f"@{host('rabbitmq')}:5672/"),
    }
