"""The table's measures and the laws of motion on it.

Lengths are in units, of which the table is 1000 wide and 2000 long; the origin is its centre.
Velocities are in units per tick. Seat 0 defends the goal at y = -1000, seat 1 the one at y = +1000.
No body moves further in a tick than the puck and a mallet overlap, so nothing passes through.
"""

from typing import Final

GAME: Final = "airhockey"
TICK_HZ: Final = 60
SNAPSHOT_HZ: Final = 30
SEATS: Final = 2

HALF_WIDTH: Final = 500.0
HALF_LENGTH: Final = 1000.0
GOAL_HALF: Final = 260.0
"""A puck whose centre is this far from the middle, or nearer, goes into the goal."""

PUCK_RADIUS: Final = 40.0
MALLET_RADIUS: Final = 60.0
TOUCH: Final = PUCK_RADIUS + MALLET_RADIUS

PUCK_MAX_X: Final = HALF_WIDTH - PUCK_RADIUS
PUCK_MAX_Y: Final = HALF_LENGTH - PUCK_RADIUS
MALLET_MAX_X: Final = HALF_WIDTH - MALLET_RADIUS
MALLET_FAR_Y: Final = HALF_LENGTH - MALLET_RADIUS
MALLET_NEAR_Y: Final = MALLET_RADIUS
"""A mallet's centre keeps between these two distances from the middle line."""
HOME_Y: Final = 800.0
"""Where a mallet stands at the start, as a distance from the middle line."""

MALLET_SPEED: Final = 20.0
PUCK_SPEED: Final = 60.0
GLIDE: Final = 0.997
"""What a tick of gliding leaves of the puck's speed."""
WALL_BOUNCE: Final = 0.92
MALLET_BOUNCE: Final = 0.9

SERVE_TICKS: Final = 30
"""The puck rests this long before it is served."""
SERVE_SPEED: Final = 6.0
SERVE_Y: Final = 250.0
"""A served puck starts on the side of the player who conceded, this far from the middle line."""
HOLD_TICKS: Final = 4 * TICK_HZ
"""A puck this long on one side is served to the other, as at the real table after seven seconds."""
