"""`uninstall`: end what is being played, so that an install can be removed and nothing stays.

It runs while the operator is still there, for only the operator ends servers in good order. Each
look at the cluster decides the next steps: Fleets are deleted, so that no server starts any more;
Matches are cancelled and, once they ended, deleted. When patience runs out Matches are deleted as
they are, which the operator takes as a reason to end their servers too. Last go the Secrets and
ConfigMaps that `keys` made, for the chart does not know them; the password of a datastore whose
data stays is kept with it.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import cluster, connection, matches, remains
from matchfleet_api import settings

LOOK_EVERY_S = 0.5
HURRY_AT = 0.6
"""The part of the patience after which Matches that have not ended are deleted all the same."""
SECRETS = ("api-keys", "operator-keys", "postgres", "redis", "rabbitmq", "admin", "gateway-tls")
CONFIG_MAPS = ("public-keys",)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DeleteFleet:
    """No server of this Fleet starts any more."""

    name: str


@dataclass(frozen=True, slots=True)
class CancelMatch:
    """Its operator ends it."""

    match: matches.MatchResource


@dataclass(frozen=True, slots=True)
class DeleteMatch:
    """It goes, ended or not."""

    match: matches.MatchResource


Step = DeleteFleet | CancelMatch | DeleteMatch


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there still: Fleets by name, Matches, and a count of server pods."""

    fleets: Sequence[str] = ()
    live: Sequence[matches.MatchResource] = ()
    servers: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left that plays, or may."""
        return not (self.fleets or self.live or self.servers)


def plan(seen: Seen, *, in_a_hurry: bool) -> tuple[Step, ...]:
    """What to do about what is there; every step may be taken twice."""
    return tuple(
        itertools.chain(
            (DeleteFleet(name) for name in seen.fleets),
            (
                DeleteMatch(match) if match.phase.is_terminal or in_a_hurry else CancelMatch(match)
                for match in seen.live
                if not match.is_deleting
            ),
        )
    )


class Install(Protocol):
    """An install, as an uninstall sees it."""

    async def look(self) -> Seen:
        """What is there still."""
        ...

    async def take(self, step: Step) -> None:
        """Do one step; what is gone already is well."""
        ...

    async def forget(self, release: str, *, keep: Collection[str]) -> None:
        """Remove the Secrets and ConfigMaps of a release but for those named in `keep`."""
        ...


async def empty(install: Install, *, patience_s: float, sleep: Sleep = asyncio.sleep) -> Seen:
    """End what plays, for at most about `patience_s`; returns what is left."""
    looks = max(1, round(patience_s / LOOK_EVERY_S))
    for look in range(looks):
        seen = await install.look()
        if seen.is_empty:
            return seen
        for step in plan(seen, in_a_hurry=look >= looks * HURRY_AT):
            await install.take(step)
        await sleep(LOOK_EVERY_S)
    return await install.look()


class ClusterInstall:
    """The install in a real namespace."""

    def __init__(self, live: matches.Matches, rest: remains.Remains) -> None:
        self._live = live
        self._rest = rest

    async def look(self) -> Seen:
        """See the port."""
        return Seen(
            fleets=await self._rest.fleets(),
            live=await self._live.snapshot(),
            servers=len(await self._live.servers()),
        )

    async def take(self, step: Step) -> None:
        """See the port."""
        try:
            match step:
                case DeleteFleet(name):
                    await self._rest.delete_fleet(name)
                case CancelMatch(match):
                    await self._live.cancel(match.name)
                case DeleteMatch(match):
                    await self._live.delete(
                        match.name, uid=match.uid, resource_version=match.resource_version
                    )
                case never:
                    assert_never(never)
        except (errors.ResourceGone, errors.ResourceConflict):
            pass  # the next look decides anew

    async def forget(self, release: str, *, keep: Collection[str]) -> None:
        """See the port."""
        for name in (name for name in SECRETS if name not in keep):
            await self._rest.delete_secret(f"{release}-{name}")
        for name in CONFIG_MAPS:
            await self._rest.delete_config_map(f"{release}-{name}")


async def run(
    config: settings.Keys,
    *,
    namespace: str,
    release: str,
    patience_s: float,
    keep: Collection[str] = (),
) -> None:
    """Empty the namespace of what plays, then forget the release's secrets.

    Raises:
        matchfleet_adapters.errors.AdapterError: the API server does not answer, or refuses.
    """
    log = structlog.get_logger()
    async with connection.connected(config.kubeconfig) as api_client:
        install = ClusterInstall(
            cluster.ClusterMatches(api_client, namespace),
            remains.Remains(api_client, namespace),
        )
        left = await empty(install, patience_s=patience_s)
        await install.forget(release, keep=keep)
    if left.is_empty:
        log.info("install_emptied", namespace=namespace, release=release)
    else:
        log.warning(
            "install_not_empty",
            namespace=namespace,
            release=release,
            fleets=len(left.fleets),
            matches=len(left.live),
            servers=left.servers,
        )
