"""All the servers of one run, started together and gone together.

    async with servers.running(directory, postgres=True, redis=True, rabbitmq=True) as s:
        s.postgres.dsn, s.redis.url, s.rabbitmq.url

The directory is filled, and emptied again at the end, unless `keep` says that the data shall
outlive the run. Programs that are missing are installed first (see `packages`).
"""

import asyncio
import contextlib
import fcntl
import json
import os
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from matchfleet_local.servers import (
    accounts,
    erlang_apps,
    errors,
    install,
    packages,
    ports,
    postgres,
    probes,
    rabbitmq,
    redis,
    server,
)

SECRET_BYTES = 18
CONTROL_WITHIN_S = 30.0
LOCK_FILE = "lock"
SECRETS_FILE = "secrets.json"

Announce = Callable[[str], None]
Member = TypeVar("Member", bound=server.Server)


class PostgresServer(server.Server):
    """PostgreSQL, with its addresses."""

    def __init__(self, program: Path, place: server.Place, *, port: int, password: str) -> None:
        home = place.directory / "postgres"
        plan = postgres.recipe(program, home, port=port, password=password)
        super().__init__(plan, place, probe=probes.postgres)
        self._password = password

    @property
    def dsn(self) -> str:
        """The address of the database `postgres`, as its superuser."""
        return self.database_dsn("postgres")

    def database_dsn(self, database: str) -> str:
        """The address of another database on the same server."""
        return postgres.dsn(self.port, self._password, database)


class RedisServer(server.Server):
    """Redis, with its addresses."""

    def __init__(self, program: Path, place: server.Place, *, port: int, password: str) -> None:
        plan = redis.recipe(program, place.directory / "redis", port=port, password=password)
        super().__init__(plan, place, probe=probes.redis)
        self._password = password

    @property
    def url(self) -> str:
        """The address of database 0."""
        return self.database_url(0)

    def database_url(self, database: int) -> str:
        """The address of a numbered database (0 to `redis.DATABASES` - 1)."""
        return redis.url(self.port, self._password, database)


class RabbitServer(server.Server):
    """RabbitMQ, with its addresses and virtual hosts.

    Beware of `kill()` right after a quorum queue was declared: RabbitMQ 3.10 writes a new queue's
    registration to disk up to a second later, and without it the queue comes back without a
    leader (measured). Messages that were confirmed on an older queue survive.
    """

    def __init__(self, program: Path, place: server.Place, *, node: rabbitmq.Node) -> None:
        trimmed = erlang_apps.trimmed_tree(program.parent.parent)
        home = place.directory / "rabbitmq"
        plan = rabbitmq.recipe(program, home, node=node, trimmed=trimmed)
        super().__init__(plan, place, probe=probes.rabbitmq)
        self._node = node

    @property
    def url(self) -> str:
        """The address of the virtual host `/`."""
        return self.vhost_url(rabbitmq.VHOST)

    def vhost_url(self, vhost: str) -> str:
        """The address of another virtual host."""
        return rabbitmq.url(self.port, self._node.password, vhost)

    async def add_vhosts(self, *names: str) -> None:
        """Make virtual hosts (some milliseconds each; rabbitmqctl takes a second)."""
        await self._evaluate(rabbitmq.add_vhosts(names))

    async def delete_vhosts(self, *names: str) -> None:
        """Remove virtual hosts with all that they hold."""
        await self._evaluate(rabbitmq.delete_vhosts(names))

    async def _evaluate(self, erlang: str) -> None:
        """Run Erlang in the node, over its distribution port.

        Raises:
            ControlFailed: it did not come to its end.
        """
        process = await asyncio.create_subprocess_exec(
            "erl_call",
            "-address",
            f"127.0.0.1:{self._node.distribution_port}",
            "-e",
            env={"HOME": str(self.recipe.home), "PATH": os.environ.get("PATH", server.PATH)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(CONTROL_WITHIN_S):
            answer, _ = await process.communicate(erlang.encode())
        if process.returncode or rabbitmq.DONE.encode() not in answer:
            raise errors.ControlFailed("rabbitmq", erlang, answer.decode(errors="replace"))


@dataclass(frozen=True, slots=True)
class Datastores:
    """The servers that were asked for, by name."""

    members: Mapping[packages.ServerName, PostgresServer | RedisServer | RabbitServer]

    @property
    def postgres(self) -> PostgresServer:
        """PostgreSQL."""
        return self._member("postgres", PostgresServer)

    @property
    def redis(self) -> RedisServer:
        """Redis."""
        return self._member("redis", RedisServer)

    @property
    def rabbitmq(self) -> RabbitServer:
        """RabbitMQ."""
        return self._member("rabbitmq", RabbitServer)

    def addresses(self) -> dict[str, str]:
        """Every server's address, by name."""
        return {
            name: member.dsn if isinstance(member, PostgresServer) else member.url
            for name, member in self.members.items()
        }

    def _member(self, name: packages.ServerName, kind: type[Member]) -> Member:
        found = self.members.get(name)
        if isinstance(found, kind):
            return found
        raise AssertionError(f"{name} was not asked for: say `running(..., {name}=True)`")

    async def start(self) -> None:
        """Start all at once; when one fails, none is left running."""
        try:
            async with asyncio.TaskGroup() as group:
                for member in self.members.values():
                    group.create_task(member.start())
        except ExceptionGroup as failed:
            await self.stop()
            raise failed.exceptions[0] from None

    async def stop(self) -> None:
        """Stop all at once."""
        await asyncio.gather(*(member.stop() for member in self.members.values()))


@contextlib.asynccontextmanager
async def running(
    directory: Path,
    *,
    postgres: bool = True,
    redis: bool = True,
    rabbitmq: bool = True,
    keep: bool = False,
    announce: Announce = lambda _: None,
) -> AsyncIterator[Datastores]:
    """Run the servers asked for, under `directory`, until the block ends.

    Args:
        directory: ours alone; made when missing.
        postgres: whether to run PostgreSQL.
        redis: whether to run Redis.
        rabbitmq: whether to run RabbitMQ.
        keep: use the data that is there, and leave it in place afterwards.
        announce: told, in a sentence, of steps that take long.

    Raises:
        ServersError: whatever is missing or refuses to start, with what to do about it.
    """
    asked = {"postgres": postgres, "redis": redis, "rabbitmq": rabbitmq}
    wanted = tuple(name for name in packages.ALL if asked[name])
    programs = await asyncio.to_thread(find_or_install, wanted, announce=announce)
    account = accounts.for_servers()
    with held(directory, account, keep=keep) as home:
        await server.end_leftovers(home)
        if not keep:
            empty(home)
        stores = build(programs, server.Place(home, account))
        try:
            await stores.start()
            yield stores
        finally:
            await stores.stop()
            if not keep:
                empty(home)


def find_or_install(
    wanted: tuple[packages.ServerName, ...], *, announce: Announce
) -> Mapping[packages.ServerName, Path]:
    """The programs of the wanted servers, installed first when they are missing and may be.

    Raises:
        ServersMissing: they are not here and cannot be installed.
        InstallFailed: the package tool refused.
    """
    found = packages.find(wanted)
    can_install = os.geteuid() == 0 and packages.is_debian(_os_release())
    match packages.plan(wanted, found, can_install=can_install):
        case packages.Installed(programs):
            return programs
        case packages.Install(names):
            install.install(names, announce=announce)
            again = packages.find(wanted)
            if lacking := [name for name in wanted if name not in again]:
                remedy = f"Installing {', '.join(names)} did not bring them; install them by hand."
                raise errors.ServersMissing(lacking, remedy)
            return again
        case packages.Refuse(missing, remedy):
            raise errors.ServersMissing(missing, remedy)


def build(programs: Mapping[packages.ServerName, Path], place: server.Place) -> Datastores:
    """Choose ports and secrets and make the servers; nothing runs yet."""
    chosen = ports.plan(4, is_free=ports.is_free, source=random.SystemRandom())
    known = _secrets(place.directory / SECRETS_FILE)
    members: dict[packages.ServerName, PostgresServer | RedisServer | RabbitServer] = {}
    for name, program in programs.items():
        match name:
            case "postgres":
                members[name] = PostgresServer(
                    program, place, port=chosen[0], password=known["postgres"]
                )
            case "redis":
                members[name] = RedisServer(program, place, port=chosen[1], password=known["redis"])
            case "rabbitmq":
                node = rabbitmq.Node(
                    port=chosen[2],
                    distribution_port=chosen[3],
                    password=known["rabbitmq"],
                    cookie=known["cookie"],
                )
                members[name] = RabbitServer(program, place, node=node)
    return Datastores(members)


def empty(home: Path) -> None:
    """Remove what a run puts into its directory, and nothing else."""
    for name in packages.ALL:
        accounts.remove(home / name)
        (home / f"{name}.log").unlink(missing_ok=True)
    (home / SECRETS_FILE).unlink(missing_ok=True)


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
        try:
            yield home
        finally:
            if not keep:
                lock.unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    home.rmdir()
    finally:
        os.close(handle)


def _os_release() -> str:
    path = Path("/etc/os-release")
    return path.read_text(encoding="utf-8") if path.exists() else ""
