"""Why a game server closed a connection: WebSocket close codes 4000 to 4012."""

import enum


class CloseCode(enum.IntEnum):
    """Also the code of an ERROR frame. A client may come back after those marked so."""

    LEFT = 4000
    """The player said LEAVE."""
    DRAINED = 4001
    """The server had to go before the match was over."""
    REPLACED = 4002
    """The same player took the seat over another connection."""
    SLOW = 4003
    """The client did not read what it was sent. It may come back."""
    RATE_LIMITED = 4004
    """Too many frames a second. It may come back."""
    TOKEN_REFUSED = 4005
    """The join token is not valid here, or was used. It may come back with a new one."""
    VERSION_UNKNOWN = 4006
    """The server does not speak this version of the protocol."""
    SEAT_TAKEN = 4007
    """The seat is a bot's, or another player's."""
    ENDED = 4008
    """The match is over; END came before, if the client saw it play."""
    RESUME_EXPIRED = 4009
    """Kept for resume tokens."""
    KICKED = 4010
    """Too many inputs that are none of the game's."""
    PROTOCOL = 4011
    """A frame that is none of the protocol's, or none that may come now."""
    INTERNAL = 4012
    """The game failed. The match is void."""
