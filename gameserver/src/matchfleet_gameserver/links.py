"""What a match needs of a player's connection, whatever carries it."""

from typing import NewType, Protocol

from matchfleet_contracts import wire
from matchfleet_contracts.ids import Seat
from matchfleet_gameserver import seats

JoinToken = NewType("JoinToken", str)


class Link(Protocol):
    """One player's connection. Nothing here waits: a slow client is never waited for."""

    @property
    def unsent_bytes(self) -> int:
        """What was given to `send` and has not left the process."""
        ...

    def send(self, message: bytes) -> None:
        """Send a frame; of a connection that is closing it is lost."""
        ...

    def close(self, code: wire.CloseCode, text: str) -> None:
        """Close, after what was sent."""
        ...


class Seated(Protocol):
    """A player's place in a match, as its connection sees it."""

    @property
    def seat(self) -> Seat:
        """The seat."""
        ...

    @property
    def hold(self) -> seats.Hold:
        """The claim of this connection to it."""
        ...


class Door(Protocol):
    """What a connection talks to."""

    def join(self, token: JoinToken, link: Link, connection: wire.ServerConnection) -> Seated:
        """Seat a player and say WELCOME.

        Raises:
            errors.JoinRefused: with the code to close with.
        """
        ...

    def receive(self, seated: Seated, frame: wire.ClientFrame) -> None:
        """Take what a seated player sent."""
        ...

    def leave(self, seated: Seated) -> None:
        """The player's connection is gone."""
        ...
