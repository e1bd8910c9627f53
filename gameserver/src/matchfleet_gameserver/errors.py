"""What can go wrong in a game server.

GameServerError
 +-- GameUnknown        no game of this name is installed
 +-- GameBroken         what is installed under this name is not a game
 +-- TokenRefused       an assignment is not from our operator, or not for us
 +-- AssignmentRefused  this server cannot play what it was told to play
 +-- AlreadyAssigned    this server plays another match
 +-- JoinRefused        a player may not take this seat; carries a close code
"""

from matchfleet_contracts import wire


class GameServerError(Exception):
    """Root of this package's errors."""


class GameUnknown(GameServerError):
    """No game of this name is installed."""

    def __init__(self, name: str, *, known: list[str]) -> None:
        self.name = name
        super().__init__(
            f"no game is called {name!r}; installed are {', '.join(known)}. "
            "A game registers in the entry point group matchfleet.games"
        )


class GameBroken(GameServerError):
    """What is installed under this name is not a game."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"the game {name!r} cannot be used: {why}")


class TokenRefused(GameServerError):
    """An assignment is not from our operator, or not for us; the message is for logs."""


class AssignmentRefused(GameServerError):
    """This server cannot play what it was told to play; the message says why."""


class AlreadyAssigned(GameServerError):
    """This server plays another match."""

    def __init__(self, match_uid: str) -> None:
        self.match_uid = match_uid
        super().__init__(f"this server plays match {match_uid}")


class JoinRefused(GameServerError):
    """A player may not take this seat."""

    def __init__(self, code: wire.CloseCode, text: str) -> None:
        self.code = code
        super().__init__(text)
