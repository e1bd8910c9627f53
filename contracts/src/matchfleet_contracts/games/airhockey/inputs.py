"""What a player sends each tick: a direction to move in, or a place to move to.

Five bytes, little-endian: `kind` u8, then two i16. A Move has its direction in the first and zero
in the second; an Aim has x and y there, in sixteenths of a unit. Coordinates are the table's, alike
for both seats. An input holds until the next one.
"""

import struct

import msgspec

from matchfleet_contracts.games import Reject
from matchfleet_contracts.games.airhockey import table

INPUT_BYTES = 5
QUANTA_PER_UNIT = 16
DIRECTIONS: tuple[tuple[float, float], ...] = (
    (0.0, 0.0),
    (0.0, 1.0),
    (0.7071067811865476, 0.7071067811865476),
    (1.0, 0.0),
    (0.7071067811865476, -0.7071067811865476),
    (0.0, -1.0),
    (-0.7071067811865476, -0.7071067811865476),
    (-1.0, 0.0),
    (-0.7071067811865476, 0.7071067811865476),
)
"""Rest, then clockwise from +y; literal, so that every machine has the same bits."""

_KIND_MOVE = 0
_KIND_AIM = 1
_LAYOUT = struct.Struct("<Bhh")
_MAX_X = int(table.HALF_WIDTH) * QUANTA_PER_UNIT
_MAX_Y = int(table.HALF_LENGTH) * QUANTA_PER_UNIT


class Move(msgspec.Struct, frozen=True, gc=False):
    """Go in one of DIRECTIONS at full speed; 0 rests."""

    direction: int


class Aim(msgspec.Struct, frozen=True, gc=False):
    """Go to a place on the table, in sixteenths of a unit, and rest there."""

    x: int
    y: int


Input = Move | Aim


def encode_input(value: Input) -> bytes:
    """The bytes of an input; `parse_input` refuses those of one that is out of bounds."""
    if isinstance(value, Move):
        return _LAYOUT.pack(_KIND_MOVE, value.direction, 0)
    return _LAYOUT.pack(_KIND_AIM, value.x, value.y)


def parse_input(raw: bytes) -> Input | Reject:
    """The input in `raw`. Total: any bytes give an input within bounds or a Reject."""
    if len(raw) != INPUT_BYTES:
        return Reject(f"an input has {INPUT_BYTES} bytes, not {len(raw)}")
    kind, a, b = _LAYOUT.unpack(raw)
    if kind == _KIND_MOVE:
        if 0 <= a < len(DIRECTIONS) and b == 0:
            return Move(a)
        return Reject(f"a move has a direction from 0 to {len(DIRECTIONS) - 1} and then 0")
    if kind == _KIND_AIM:
        if abs(a) <= _MAX_X and abs(b) <= _MAX_Y:
            return Aim(a, b)
        return Reject(f"an aim lies within {_MAX_X} and {_MAX_Y} of the centre")
    return Reject(f"kind {kind} is neither move (0) nor aim (1)")
