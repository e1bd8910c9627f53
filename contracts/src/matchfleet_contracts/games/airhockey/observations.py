"""What a policy sees: the table from its own side, in numbers between -1 and 1.

Seat 1's table is turned by half a circle, so that its own goal is at y = -1 as well and one policy
plays both seats. Values are rounded to float32, which is what travels to a bot service: a policy
that runs in the game server sees the same bits as one that does not.
"""

import array
from collections.abc import Sequence
from typing import Final

from matchfleet_contracts.games.airhockey import table, views

FIELDS: Final = (
    "own_x",
    "own_y",
    "own_vx",
    "own_vy",
    "puck_x",
    "puck_y",
    "puck_vx",
    "puck_vy",
    "other_x",
    "other_y",
    "other_vx",
    "other_vy",
    "lead",
    "ticks_left",
)
"""x by HALF_WIDTH, y by HALF_LENGTH, mallet speeds by MALLET_SPEED, the puck's by PUCK_SPEED, the
lead in goals by 10, ticks left by three minutes; each clipped to [-1, 1]."""

_LEAD = 10.0
_TICKS = 180.0 * table.TICK_HZ


def observe(view: views.View, seat: int) -> Sequence[float]:
    """The observation of `seat`, one float32 for each of FIELDS."""
    turn = 1.0 if seat == 0 else -1.0
    own, other, puck = view.mallets[seat], view.mallets[1 - seat], view.puck
    place_x, place_y = turn / table.HALF_WIDTH, turn / table.HALF_LENGTH
    mallet, fast = turn / table.MALLET_SPEED, turn / table.PUCK_SPEED
    values = (
        own.x * place_x,
        own.y * place_y,
        own.vx * mallet,
        own.vy * mallet,
        puck.x * place_x,
        puck.y * place_y,
        puck.vx * fast,
        puck.vy * fast,
        other.x * place_x,
        other.y * place_y,
        other.vx * mallet,
        other.vy * mallet,
        (view.score[seat] - view.score[1 - seat]) / _LEAD,
        view.ticks_left / _TICKS,
    )
    return array.array("f", [-1.0 if v < -1.0 else min(v, 1.0) for v in values])
