"""How rule bots think: one action out of nine for an observation, with no memory and no chance.

A bot guards its goal while the puck comes, gets behind a puck that it can reach, and strikes
through it. The three strengths differ in how they do so: weak looks only at where the puck is, the
others at where it is going; strong guards deeper and strikes at pucks that medium only blocks. Over
a match of 20 s strong beats weak 19 times out of 20, and hardly ever loses.
"""

import enum
from collections.abc import Sequence
from typing import Final

import msgspec

from matchfleet_contracts.games.airhockey import inputs, table

ACTIONS: Final = (
    "rest",
    "ahead",
    "ahead_right",
    "right",
    "back_right",
    "back",
    "back_left",
    "left",
    "ahead_left",
)
"""Directions from the player's own side; `ahead` is towards the other's goal."""


class Skill(enum.StrEnum):
    """The strengths of the rule bot."""

    WEAK = "weak"
    MEDIUM = "medium"
    STRONG = "strong"


class _Style(msgspec.Struct, frozen=True):
    foresees: bool
    guard_y: float
    reach_y: float
    """It goes for a puck on its own side of this line."""
    strikes_below: float
    """It strikes a puck slower than this, in units per tick; others it blocks."""
    swings_within: float
    """It meets a puck that comes when that is this many ticks away; 0 only blocks."""
    slack: float
    """It rests within this distance of where it wants to be."""


_STYLES = {
    Skill.WEAK: _Style(
        foresees=False,
        guard_y=-600.0,
        reach_y=-60.0,
        strikes_below=8.0,
        swings_within=0.0,
        slack=130.0,
    ),
    Skill.MEDIUM: _Style(
        foresees=True,
        guard_y=-780.0,
        reach_y=-120.0,
        strikes_below=14.0,
        swings_within=6.0,
        slack=58.0,
    ),
    Skill.STRONG: _Style(
        foresees=True,
        guard_y=-935.0,
        reach_y=-60.0,
        strikes_below=34.0,
        swings_within=5.0,
        slack=48.0,
    ),
}
_LEAD_TICKS = 3.0
"""A decision acts about this long after what it saw."""
_BEHIND = table.TOUCH + 30.0
_DIRECTION = {
    (0, 0): 0,
    (0, 1): 1,
    (1, 1): 2,
    (1, 0): 3,
    (1, -1): 4,
    (0, -1): 5,
    (-1, -1): 6,
    (-1, 0): 7,
    (-1, 1): 8,
}


class _Sight(msgspec.Struct, frozen=True):
    own_x: float
    own_y: float
    x: float
    y: float
    vx: float
    vy: float


def rule_policy(observation: Sequence[float], skill: Skill) -> int:
    """The index into ACTIONS that a rule bot of this strength chooses."""
    style = _STYLES[skill]
    sight = _sight(observation, lead_ticks=_LEAD_TICKS if style.foresees else 0.0)
    x, y = _goal_of(sight, style)
    return _towards(x - sight.own_x, y - sight.own_y, slack=style.slack)


def input_of(action: int, seat: int) -> inputs.Move:
    """The input that plays `action` from the side of `seat`; an unknown action rests."""
    if not 0 < action < len(ACTIONS):
        return inputs.Move(0)
    return inputs.Move(action if seat == 0 else (action + 3) % 8 + 1)


def _sight(observation: Sequence[float], *, lead_ticks: float) -> _Sight:
    """The table in units, with the own mallet where it will be when the action counts."""
    return _Sight(
        own_x=observation[0] * table.HALF_WIDTH + observation[2] * table.MALLET_SPEED * lead_ticks,
        own_y=observation[1] * table.HALF_LENGTH + observation[3] * table.MALLET_SPEED * lead_ticks,
        x=observation[4] * table.HALF_WIDTH,
        y=observation[5] * table.HALF_LENGTH,
        vx=observation[6] * table.PUCK_SPEED,
        vy=observation[7] * table.PUCK_SPEED,
    )


def _goal_of(sight: _Sight, style: _Style) -> tuple[float, float]:
    """Where the mallet should be."""
    if sight.y > style.reach_y:
        return _guard(sight, style)
    slow = abs(sight.vx) + abs(sight.vy) < style.strikes_below
    if sight.y < sight.own_y:
        return _around(sight)
    if slow or sight.vy > 0.0:
        return _strike(sight, style)
    return _guard(sight, style)


def _guard(sight: _Sight, style: _Style) -> tuple[float, float]:
    """In the way of a puck that comes, else between the puck and the goal."""
    if not style.foresees:
        return 0.25 * sight.x, style.guard_y
    if sight.vy > -2.0:
        return 0.3 * sight.x, style.guard_y
    ticks = max((sight.y - style.guard_y) / -sight.vy, 0.0)
    x = _within(sight.x + sight.vx * ticks)
    reach = table.GOAL_HALF + table.PUCK_RADIUS
    if abs(x) < reach and ticks < style.swings_within + _LEAD_TICKS:
        return x, style.guard_y + table.TOUCH
    return min(max(x, -reach), reach), style.guard_y


def _strike(sight: _Sight, style: _Style) -> tuple[float, float]:
    """Through the puck, on the line from behind it to the other's goal."""
    lead = _LEAD_TICKS if style.foresees else 0.0
    x, y = _within(sight.x + sight.vx * lead), sight.y + sight.vy * lead
    # Where to stand behind the puck so that it goes to the goal's middle, by similar triangles.
    behind = x / (table.HALF_LENGTH - y) * table.TOUCH if style.foresees else 0.0
    is_aside = abs(sight.own_x - x - behind) > table.MALLET_RADIUS
    if is_aside and sight.own_y > y - _BEHIND:
        return x + behind, y - _BEHIND - table.PUCK_RADIUS
    return x + behind, y + table.PUCK_RADIUS


def _within(x: float) -> float:
    return min(max(x, -table.PUCK_MAX_X), table.PUCK_MAX_X)


def _around(sight: _Sight) -> tuple[float, float]:
    """Back past a puck that is behind the mallet, beside it rather than through it."""
    aside = table.TOUCH + 20.0
    x = sight.x - aside if sight.x > 0.0 else sight.x + aside
    return x, sight.y - _BEHIND


def _towards(dx: float, dy: float, *, slack: float) -> int:
    """The direction that closes both gaps that are wider than `slack`; rest when none is."""
    across = 0 if abs(dx) <= slack else 1 if dx > 0.0 else -1
    along = 0 if abs(dy) <= slack else 1 if dy > 0.0 else -1
    return _DIRECTION[across, along]
