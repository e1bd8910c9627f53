"""What an end-to-end story may do to an install, whatever it runs on.

A story is told once. `installs_local` plays it on child processes, `installs_kind` on a cluster;
both speak through kubectl where a person would, so that what passes here passes by hand.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


class Install(Protocol):
    """A running product.

    Attributes:
        name: `local` or `kind`.
        api_url: the API's address for players.
    """

    name: str
    api_url: str

    async def admin_token(self) -> str:
        """The token of `/v1/admin/*`."""
        ...

    async def kubectl(
        self, *arguments: str, check: bool = True, stdin: bytes | None = None
    ) -> Done:
        """Run kubectl in the install's namespace; a failure raises unless `check` is False."""
        ...

    async def sql(self, query: str) -> list[list[str]]:
        """The rows of a query, as text."""
        ...

    async def kill_pod(self, pod: str) -> None:
        """Kill a game server's process without a word."""
        ...

    async def kill_operator(self) -> None:
        """Kill the operator without a word; it stays away."""
        ...

    async def start_operator(self) -> None:
        """Start the operator again; it may not be ready yet."""
        ...

    async def stop_store(self, store: str) -> None:
        """Take `redis` or `rabbitmq` away."""
        ...

    async def start_store(self, store: str) -> None:
        """Bring it back, and wait until it answers."""
        ...

    async def flush_redis(self) -> None:
        """Empty Redis."""
        ...

    async def logs(self) -> dict[str, str]:
        """The last words of every part, by name, for a story that failed."""
        ...

    async def until_whole(self) -> None:
        """Wait until every part runs again, as a story that follows expects it."""
        ...


class CommandFailed(Exception):
    """A command that was to succeed did not."""

    def __init__(self, command: Sequence[str], done: Done) -> None:
        self.done = done
        super().__init__(f"{' '.join(command)} ended with {done.code}:\n{done.err or done.out}")
