"""What several rooms know of a game: its parameters, its codecs, and how its rule bots think.

A game's rules run in the game server alone. The shapes that cross a border are here, because the
game server, the bot service and the client must read them alike.
"""

import msgspec


class Reject(msgspec.Struct, frozen=True):
    """An input that is not an input of the game; `reason` is for logs and for the developer."""

    reason: str
