"""The connections of this process, by player. A push never waits for anybody.

Each connection has a short queue. One that is full belongs to a client that does not read: it is
closed, so that it costs no more memory, and may come back.
"""

import asyncio
from collections.abc import Iterable

from matchfleet_api import metrics
from matchfleet_api.channel import messages
from matchfleet_contracts.ids import PlayerId


class Connection:
    """One player's connection: what is to be sent, and whether it is too much."""

    def __init__(self, player: PlayerId, *, bound: int) -> None:
        self.player = player
        self.is_slow = asyncio.Event()
        self._waiting: asyncio.Queue[str] = asyncio.Queue(bound)
        self._seq = 0

    def push(self, message: messages.Message) -> None:
        """Queue a message with the next number."""
        self._seq += 1
        self.say(message.text(self._seq))

    def say(self, text: str) -> None:
        """Queue a text without a number."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self.is_slow.set()

    async def next_text(self) -> str:
        """What is to be sent next."""
        return await self._waiting.get()


class Hub:
    """Who is connected here."""

    def __init__(self, *, bound: int = 64) -> None:
        self._bound = bound
        self._connections: dict[PlayerId, set[Connection]] = {}
        self.is_closing = asyncio.Event()

    def join(self, player: PlayerId) -> Connection:
        """A new connection of a player, who may have several."""
        connection = Connection(player, bound=self._bound)
        self._connections.setdefault(player, set()).add(connection)
        metrics.CHANNELS.inc()
        return connection

    def leave(self, connection: Connection) -> None:
        """The end of a connection."""
        of_player = self._connections[connection.player]
        of_player.discard(connection)
        if not of_player:
            del self._connections[connection.player]
        metrics.CHANNELS.dec()

    def is_here(self, player: PlayerId) -> bool:
        """Whether a player is connected to this process."""
        return player in self._connections

    def is_empty(self) -> bool:
        """Whether nobody is connected to this process."""
        return not self._connections

    def push(self, players: Iterable[PlayerId], message: messages.Message) -> None:
        """Queue a message for every connection of these players."""
        for player in players:
            for connection in self._connections.get(player, ()):
                connection.push(message)

    def close(self) -> None:
        """Ask every connection to end: the process stops."""
        self.is_closing.set()
