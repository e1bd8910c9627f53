"""The servers of a run as their users see them: addresses, and start, stop and kill."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from matchfleet_local.servers import (
    errors,
    packages,
    postgres,
    probes,
    rabbitmq,
    recipes,
    redis,
    server,
)

CONTROL_WITHIN_S = 30.0
ASK_AGAIN_AFTER_S = 0.2

Control = Callable[[str], recipes.Command]
"""Turns Erlang into the command that evaluates it in the node."""
Member = TypeVar("Member", bound=server.Server)


class PostgresServer(server.Server):
    """PostgreSQL, with its addresses."""

    def __init__(self, plan: recipes.Recipe, place: server.Place, *, password: str) -> None:
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

    def __init__(self, plan: recipes.Recipe, place: server.Place, *, password: str) -> None:
        super().__init__(plan, place, probe=probes.redis(password))
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

    def __init__(
        self, plan: recipes.Recipe, place: server.Place, *, password: str, control: Control
    ) -> None:
        super().__init__(plan, place, probe=probes.rabbitmq)
        self._password = password
        self._control = control

    @property
    def url(self) -> str:
        """The address of the virtual host `/`."""
        return self.vhost_url(rabbitmq.VHOST)

    def vhost_url(self, vhost: str) -> str:
        """The address of another virtual host."""
        return rabbitmq.url(self.port, self._password, vhost)

    async def add_vhosts(self, *names: str) -> None:
        """Make virtual hosts (some milliseconds each; rabbitmqctl takes a second)."""
        await self._evaluate(rabbitmq.add_vhosts(names))

    async def delete_vhosts(self, *names: str) -> None:
        """Remove virtual hosts with all that they hold."""
        await self._evaluate(rabbitmq.delete_vhosts(names))

    async def _evaluate(self, erlang: str) -> None:
        """Run Erlang in the node.

        Raises:
            ControlFailed: it did not come to its end.
        """
        command = self._control(erlang)
        code, answer = 1, rabbitmq.NOT_REACHED
        try:
            async with asyncio.timeout(CONTROL_WITHIN_S):
                # Nothing was run yet where the node was not reached: a busy one is asked again.
                while code and rabbitmq.NOT_REACHED in answer:
                    code, answer = await _answer(command)
                    await asyncio.sleep(ASK_AGAIN_AFTER_S if code else 0)
        except TimeoutError:
            raise errors.ControlFailed("rabbitmq", erlang, answer) from None
        if code or rabbitmq.DONE not in answer:
            raise errors.ControlFailed("rabbitmq", erlang, answer)


async def _answer(command: recipes.Command) -> tuple[int, str]:
    """A command's exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        env={"PATH": os.environ.get("PATH", server.PATH), **command.environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate(command.told.encode())
    finally:
        if process.returncode is None:
            process.kill()
    return await process.wait(), said.decode(errors="replace")


AnyServer = PostgresServer | RedisServer | RabbitServer


@dataclass(frozen=True, slots=True)
class Datastores:
    """The servers that were asked for, by name."""

    members: Mapping[packages.ServerName, AnyServer]

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

    async def erase(self) -> None:
        """Remove what they keep outside their homes."""
        await asyncio.gather(*(member.erase() for member in self.members.values()))
