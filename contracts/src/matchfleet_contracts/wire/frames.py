"""Every frame of protocol version 1 as a value, with the limits that its bytes keep to."""

import enum
from typing import Any, Final

import msgspec

from matchfleet_contracts.wire.codes import CloseCode

VERSION: Final = 1
SUBPROTOCOL: Final = "matchfleet.v1"
"""Of the WebSocket handshake."""
MAX_CLIENT_FRAME_BYTES: Final = 4096
MAX_SERVER_FRAME_BYTES: Final = 65_536
MAX_VIEW_BYTES: Final = MAX_SERVER_FRAME_BYTES - 9
MAX_INPUTS: Final = 32
"""Inputs in one INPUT frame."""
MAX_INPUT_BYTES: Final = 64
MAX_EVENT_BYTES: Final = 4096
MAX_ERROR_BYTES: Final = 512
MAX_NAME_BYTES: Final = 255
MAX_SEQ: Final = 0xFFFF_FFFF


class Hello(msgspec.Struct, frozen=True, gc=False):
    """C->S, first: the right to a seat."""

    version: int
    token: str

    def __repr__(self) -> str:
        # A join token must not reach a log.
        return f"Hello(version={self.version})"


class Input(msgspec.Struct, frozen=True):
    """C->S: inputs numbered from `first_seq`, which is 1 or more, for the ticks to come.

    Attributes:
        snapshot_tick: tick of the last FULL the client saw; 0 for none.
        inputs: the game's own bytes, all of one length.
    """

    snapshot_tick: int
    first_seq: int
    inputs: tuple[bytes, ...]


class Ping(msgspec.Struct, frozen=True, gc=False):
    """C->S: comes back as PONG with the same nonce."""

    nonce: int


class Leave(msgspec.Struct, frozen=True, gc=False):
    """C->S: the player gives up the connection; the game's own rules play on."""


class Welcome(msgspec.Struct, frozen=True):
    """S->C, first: the seat is held. `tick` is 0 until play starts."""

    version: int
    seat: int
    tick: int
    tick_hz: int
    snapshot_hz: int
    game: str
    config: dict[str, int | str]


class Full(msgspec.Struct, frozen=True, gc=False):
    """S->C: what the seat may see at `tick`. `ack_seq`: the last input that was played; 0: none."""

    tick: int
    ack_seq: int
    view: bytes


class Event(msgspec.Struct, frozen=True):
    """S->C: something to hear of once. `seq` counts from 1 over the match; joining late skips some.

    `data` has a `type`: `started`, or one of the game's.
    """

    seq: int
    data: dict[str, Any]


class Holder(enum.IntEnum):
    """Who plays a seat now."""

    WAITING = 0
    """Its human has not come yet."""
    HUMAN = 1
    STAND_IN = 2
    """The game's own rules, until its human comes back."""
    BOT = 3


class SeatPresence(msgspec.Struct, frozen=True):
    """One seat; `name` is empty until its human came, and a bot's policy for a bot."""

    seat: int
    team: int
    holder: Holder
    name: str


class Presence(msgspec.Struct, frozen=True):
    """S->C: who plays which seat, whenever that changes."""

    seats: tuple[SeatPresence, ...]


class Pong(msgspec.Struct, frozen=True, gc=False):
    """S->C: the answer to PING, and the tick that was played last."""

    nonce: int
    tick: int


class Drain(msgspec.Struct, frozen=True, gc=False):
    """S->C: the server has to go in at most this many seconds."""

    seconds: int


class End(msgspec.Struct, frozen=True):
    """S->C, last: how the match ended.

    Attributes:
        is_provisional: the result is not recorded yet, and counts only once it is.
        result: a `results.Result` in JSON.
    """

    is_provisional: bool
    result: bytes


class Error(msgspec.Struct, frozen=True):
    """S->C: why the connection is about to be closed."""

    code: CloseCode
    text: str


ClientFrame = Hello | Input | Ping | Leave
ServerFrame = Welcome | Full | Event | Presence | Pong | Drain | End | Error
