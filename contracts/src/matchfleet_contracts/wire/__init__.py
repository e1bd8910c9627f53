"""The protocol between a player and a game server: bytes in, events and bytes out.

    frames       every frame as a value, with its limits
    codes        why a connection was closed
    codec        the bytes of each frame
    connections  who may say what when: a server's half and a client's

There is no socket and no clock in here, so that any transport can carry it and a test can drive it
through every order of events. docs/protocol.md is the specification.
"""

from matchfleet_contracts.wire.codes import CloseCode
from matchfleet_contracts.wire.connections import ClientConnection, ServerConnection, Violation
from matchfleet_contracts.wire.frames import (
    MAX_CLIENT_FRAME_BYTES,
    MAX_INPUTS,
    MAX_SERVER_FRAME_BYTES,
    SUBPROTOCOL,
    VERSION,
    ClientFrame,
    Drain,
    End,
    Error,
    Event,
    Full,
    Hello,
    Holder,
    Input,
    Leave,
    Ping,
    Pong,
    Presence,
    SeatPresence,
    ServerFrame,
    Welcome,
)

__all__ = [
    "MAX_CLIENT_FRAME_BYTES",
    "MAX_INPUTS",
    "MAX_SERVER_FRAME_BYTES",
    "SUBPROTOCOL",
    "VERSION",
    "ClientConnection",
    "ClientFrame",
    "CloseCode",
    "Drain",
    "End",
    "Error",
    "Event",
    "Full",
    "Hello",
    "Holder",
    "Input",
    "Leave",
    "Ping",
    "Pong",
    "Presence",
    "SeatPresence",
    "ServerConnection",
    "ServerFrame",
    "Violation",
    "Welcome",
]
