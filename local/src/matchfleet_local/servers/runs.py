"""One run of the servers: started together, gone together.

    async with servers.running(directory, postgres=True, redis=True, rabbitmq=True) as s:
        s.postgres.dsn, s.redis.url, s.rabbitmq.url

The directory is filled, and emptied again at the end, unless `keep` says that the data shall
outlive the run. Servers that are missing are installed first (see `sources`).
"""

import asyncio
import contextlib
import fcntl
import functools
import json
import os
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from pathlib import Path

from matchfleet_local.servers import (
    accounts,
    containers,
    datastores,
    erlang_apps,
    errors,
    install,
    packages,
    ports,
    postgres,
    rabbitmq,
    redis,
    server,
    sources,
)

SECRET_BYTES = 18
LOCK_FILE = "lock"
KEPT_FILE = "kept"
SECRETS_FILE = "secrets.json"
DISTRIBUTION = "distribution"
"""The port of RabbitMQ's second listener, among the ports of a run."""


@contextlib.asynccontextmanager
async def running(
    directory: Path,
    *,
    postgres: bool = True,
    redis: bool = True,
    rabbitmq: bool = True,
    keep: bool = False,
    announce: install.Announce = lambda _: None,
    built: Callable[[datastores.Datastores], None] = lambda _: None,
) -> AsyncIterator[datastores.Datastores]:
    """Run the servers asked for, under `directory`, until the block ends.

    Args:
        directory: ours alone; made when missing.
        postgres: whether to run PostgreSQL.
        redis: whether to run Redis.
        rabbitmq: whether to run RabbitMQ.
        keep: use the data that is there, and leave it in place afterwards.
        announce: told, in a sentence, of steps that take long.
        built: given the servers before they start, for whoever can begin with their addresses.

    Raises:
        ServersError: whatever is missing or refuses to start, with what to do about it.
    """
    asked = {"postgres": postgres, "redis": redis, "rabbitmq": rabbitmq}
    wanted = tuple(name for name in packages.ALL if asked[name])
    source = await asyncio.to_thread(sources.find_or_install, wanted, announce=announce)
    account = accounts.for_servers()
    sweep(accounts.elsewhere())
    with held(directory, account, keep=keep) as home:
        await server.end_leftovers(home)
        if not keep:
            empty(home)
        stores = build(source, server.Place(home, account))
        try:
            if not keep:
                await stores.erase()
            built(stores)
            await stores.start()
            yield stores
        finally:
            try:
                await stores.stop()
                if not keep:
                    await stores.erase()
            finally:
                # A second Ctrl-C interrupts the stopping; then nothing is waited for any more.
                for member in stores.members.values():
                    member.abandon()
                if not keep:
                    empty(home)


def build(
    source: packages.Installed | packages.UseContainers, place: server.Place
) -> datastores.Datastores:
    """Choose ports and secrets and make the servers; nothing runs yet."""
    named = (*packages.ALL, DISTRIBUTION)
    free = ports.plan(len(named), is_free=ports.is_free, source=random.SystemRandom())
    chosen = dict(zip(named, free, strict=True))
    known = _secrets(place.directory / SECRETS_FILE)
    members = {
        name: _program(name, program, place, chosen=chosen, known=known)
        for name, program in source.programs.items()
    }
    if isinstance(source, packages.UseContainers):
        docker = containers.find_docker()
        if docker is None:
            raise errors.ServersMissing(source.contained, packages.remedy(source.contained))
        # Docker's client is ours to run, whoever serves.
        ours = server.Place(place.directory, accounts.ourselves())
        for name in source.contained:
            members[name] = _contained(name, docker, ours, port=chosen[name], password=known[name])
    return datastores.Datastores(members)


def _program(
    name: packages.ServerName,
    program: Path,
    place: server.Place,
    *,
    chosen: Mapping[str, int],
    known: Mapping[str, str],
) -> datastores.AnyServer:
    """The server of an installed program."""
    home, password = place.directory / name, known[name]
    match name:
        case "postgres":
            plan = postgres.recipe(program, home, port=chosen[name], password=password)
            return datastores.PostgresServer(plan, place, password=password)
        case "redis":
            plan = redis.recipe(program, home, port=chosen[name], password=password)
            return datastores.RedisServer(plan, place, password=password)
        case "rabbitmq":
            node = rabbitmq.Node(
                port=chosen[name],
                distribution_port=chosen[DISTRIBUTION],
                password=password,
                cookie=known["cookie"],
            )
            trimmed = erlang_apps.trimmed_tree(program.parent.parent)
            plan = rabbitmq.recipe(program, home, node=node, trimmed=trimmed)
            control = functools.partial(rabbitmq.control, home, node)
            return datastores.RabbitServer(plan, place, password=password, control=control)


def _contained(
    name: packages.ServerName, docker: Path, place: server.Place, *, port: int, password: str
) -> datastores.AnyServer:
    """The server of a published image."""
    home = place.directory / name
    service = containers.service(name, password)
    plan = containers.recipe(docker, home, containers.OFFICIAL[name], what=service, port=port)
    match name:
        case "postgres":
            return datastores.PostgresServer(plan, place, password=password)
        case "redis":
            return datastores.RedisServer(plan, place, password=password)
        case "rabbitmq":
            control = functools.partial(containers.rabbitmq_control, docker, home)
            return datastores.RabbitServer(plan, place, password=password, control=control)


def empty(home: Path) -> None:
    """Remove what a run puts into its directory, and nothing else."""
    for name in packages.ALL:
        accounts.remove(home / name)
        (home / f"{name}.log").unlink(missing_ok=True)
        (home / f"{name}{server.PID_FILE_SUFFIX}").unlink(missing_ok=True)
    (home / SECRETS_FILE).unlink(missing_ok=True)


def sweep(found: Iterable[Path]) -> None:
    """Remove what killed runs left in the temporary directory, where nobody would look for it.

    Their servers died with them. A directory that is held, that is young (its run may not hold it
    yet), or whose data is to be kept, stays.
    """
    for home in found:
        try:
            handle = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:  # its owner was quicker
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not (home / KEPT_FILE).exists():
                empty(home)
                (home / LOCK_FILE).unlink(missing_ok=True)
                home.rmdir()
        except OSError:
            continue
        finally:
            os.close(handle)


def _mark(home: Path, *, keep: bool) -> None:
    """Say whether the data is to be kept, for `sweep`."""
    mark = home / KEPT_FILE
    if keep:
        mark.touch(mode=0o600)
    else:
        mark.unlink(missing_ok=True)


def _secrets(path: Path) -> dict[str, str]:
    """The passwords of this directory, made at random when it is new."""
    if path.exists():
        known: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        return known
    names = ("postgres", "redis", "rabbitmq", "cookie")
    made = {name: secrets.token_urlsafe(SECRET_BYTES) for name in names}
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(made, file)
    return made


@contextlib.contextmanager
def held(directory: Path, account: accounts.Account, *, keep: bool) -> Iterator[Path]:
    """Hold the servers' directory for one run: a second one would end the first one's servers.

    Yields:
        The directory itself, which `accounts.home_for` may have put elsewhere. Unless `keep`, it
        goes when the block ends, if nothing of somebody else's is in it.

    Raises:
        DirectoryRefused: another run holds it.
    """
    home = accounts.home_for(directory, account)
    lock = home / LOCK_FILE
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            reason = "another run is using it; stop that one, or name another directory"
            raise errors.DirectoryRefused(home, reason) from None
        _mark(home, keep=keep)
        try:
            yield home
        finally:
            if not keep:
                lock.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    home.rmdir()
    finally:
        os.close(handle)
