"""Players of `steps`, the game of examples/server-go: datagrams, and nothing of our client."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

ASK_AGAIN_S = 0.2


class _Mail(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.box: asyncio.Queue[str] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 - asyncio's
        self.box.put_nowait(data.decode())


class Player:
    """One player, at the `udp://` address of a server."""

    def __init__(self, transport: asyncio.DatagramTransport, mail: _Mail) -> None:
        self._transport = transport
        self._mail = mail

    @classmethod
    async def at(cls, url: str) -> "Player":
        """A player that has said nothing yet."""
        where = urlsplit(url)
        assert where.scheme == "udp", url
        assert where.hostname
        assert where.port
        transport, mail = await asyncio.get_running_loop().create_datagram_endpoint(
            _Mail, remote_addr=(where.hostname, where.port)
        )
        return cls(transport, mail)

    def say(self, words: str) -> None:
        """Send a datagram."""
        self._transport.sendto(words.encode())

    async def heard(self, *beginnings: str) -> str:
        """The next datagram that begins with one of these words."""
        while True:
            said = await self._mail.box.get()
            if said.startswith(beginnings):
                return said

    async def asked(self, words: str, *beginnings: str) -> str:
        """The answer to a question, asked again until there is one."""
        while True:
            self.say(words)
            try:
                async with asyncio.timeout(ASK_AGAIN_S):
                    return await self.heard(*beginnings)
            except TimeoutError:
                continue

    async def walk(self) -> list[int]:
        """Step at every tick to the end; the places then."""
        while True:
            self.say("STEP")
            kind, *places = (await self.heard("AT", "OVER")).split()
            if kind == "OVER":
                return [int(place) for place in places]

    def leave(self) -> None:
        """Close the socket."""
        self._transport.close()
