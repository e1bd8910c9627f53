"""What a player sees of the table: the puck, both mallets, the score and the clock.

Both seats and spectators see the same 35 bytes, little-endian: tick u32, ticks left u32, stage u8,
score u8 of each seat, then x, y, vx, vy of the puck, mallet 0 and mallet 1 as twelve i16. Positions
are in sixteenths of a unit, velocities in 1/256 of a unit per tick.
"""

import enum
import struct

import msgspec

from matchfleet_contracts import errors

VIEW_BYTES = 35
_LAYOUT = struct.Struct("<IIBBB12h")
_PLACE = 16
_SPEED = 256
_MAX_SCORE = 255


class Stage(enum.IntEnum):
    """What the table is doing."""

    SERVING = 0
    """The puck rests until it is served."""
    PLAYING = 1
    OVER = 2


class Body(msgspec.Struct, frozen=True, gc=False):
    """Place in units and velocity in units per tick."""

    x: float
    y: float
    vx: float
    vy: float


class View(msgspec.Struct, frozen=True, gc=False):
    """The table at one tick; `mallets` and `score` are by seat."""

    tick: int
    ticks_left: int
    stage: Stage
    score: tuple[int, int]
    puck: Body
    mallets: tuple[Body, Body]


def encode_view(view: View) -> bytes:
    """The bytes of a view, rounded to its quanta."""
    a, b = view.score
    return _LAYOUT.pack(
        view.tick,
        view.ticks_left,
        view.stage,
        min(a, _MAX_SCORE),
        min(b, _MAX_SCORE),
        *_quanta(view.puck),
        *_quanta(view.mallets[0]),
        *_quanta(view.mallets[1]),
    )


def decode_view(raw: bytes) -> View:
    """The view in `raw`.

    Raises:
        errors.FrameInvalid: these are not the bytes of a view.
    """
    if len(raw) != VIEW_BYTES:
        raise errors.FrameInvalid(f"a view of airhockey has {VIEW_BYTES} bytes, not {len(raw)}")
    tick, ticks_left, stage, a, b, *quanta = _LAYOUT.unpack(raw)
    if stage > Stage.OVER:
        raise errors.FrameInvalid(f"stage {stage} is not known")
    return View(
        tick=tick,
        ticks_left=ticks_left,
        stage=Stage(stage),
        score=(a, b),
        puck=_body(quanta[0:4]),
        mallets=(_body(quanta[4:8]), _body(quanta[8:12])),
    )


def _quanta(body: Body) -> tuple[int, int, int, int]:
    return (
        round(body.x * _PLACE),
        round(body.y * _PLACE),
        round(body.vx * _SPEED),
        round(body.vy * _SPEED),
    )


def _body(quanta: list[int]) -> Body:
    x, y, vx, vy = quanta
    return Body(x / _PLACE, y / _PLACE, vx / _SPEED, vy / _SPEED)
