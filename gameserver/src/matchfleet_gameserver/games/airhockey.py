"""The rules of air hockey: how mallets and puck move, and what counts as a goal.

Only + - * /, square root and comparisons: these give the same bits on every machine, where sin or
pow do not. The measures are in `matchfleet_contracts.games.airhockey.table`.
"""

import math
import struct
from collections.abc import Mapping, Sequence

from matchfleet_contracts import errors
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.games.airhockey import inputs as hockey_inputs
from matchfleet_contracts.games.airhockey import table
from matchfleet_gameserver import game, rng

_STATE = struct.Struct("<IIHH12d4dBBBIiIIII")
_SPEC = game.GameSpec(
    name=airhockey.GAME,
    version="1.0.0",
    min_seats=table.SEATS,
    max_seats=table.SEATS,
    tick_hz=airhockey.TICK_HZ,
    snapshot_hz=airhockey.SNAPSHOT_HZ,
    observation=airhockey.FIELDS,
    actions=airhockey.ACTIONS,
    policies=(airhockey.Skill.MEDIUM, airhockey.Skill.WEAK, airhockey.Skill.STRONG),
)


class _Disc:
    """A body on the table. A mallet also has what it was told: a place, or a velocity."""

    __slots__ = ("aims", "to_x", "to_y", "vx", "vy", "x", "y")

    def __init__(self, x: float, y: float) -> None:
        self.x, self.y = x, y
        self.vx = self.vy = 0.0
        self.aims = False
        self.to_x = self.to_y = 0.0

    def body(self) -> airhockey.Body:
        return airhockey.Body(self.x, self.y, self.vx, self.vy)


class AirHockey(game.Game[airhockey.Input]):
    """One match. Seat 0 defends y = -1000, seat 1 y = +1000."""

    spec = _SPEC

    def start(self, config: Mapping[str, int | str], roster: game.Roster, *, seed: int) -> None:
        """Set the table; see `airhockey.Config` for the parameters."""
        if sorted(entry.seat for entry in roster) != [0, 1]:
            raise errors.ConfigInvalid("airhockey is played by the seats 0 and 1")
        self._config = airhockey.parse_config(config)
        self._teams = {entry.seat: entry.team for entry in roster}
        self._rng = rng.Rng.seeded(seed)
        self._tick = 0
        self._score = [0, 0]
        self._is_over = False
        self._mallets = (_Disc(0.0, -table.HOME_Y), _Disc(0.0, table.HOME_Y))
        self._puck = _Disc(0.0, 0.0)
        self._rest = 0
        self._held = 0
        self._serve_to(self._rng.next_u32() & 1)

    def parse_input(self, raw: bytes) -> airhockey.Input | game.Reject:
        """See `airhockey.inputs`."""
        return airhockey.parse_input(raw)

    def tick(self, inputs: Mapping[game.Seat, airhockey.Input]) -> game.StepResult:
        """Move the mallets, then the puck, then count."""
        if self._is_over:
            return game.StepResult(is_over=True)
        self._tick += 1
        for seat, mallet in enumerate(self._mallets):
            value = inputs.get(game.Seat(seat))
            if value is not None:
                _tell(mallet, value)
            _move_mallet(mallet, seat)
        scorer = self._move_puck()
        events: tuple[game.GameEvent, ...] = ()
        if scorer is not None:
            events = (self._goal(scorer),)
        to_win = self._config.goals_to_win
        self._is_over = self._tick >= self._config.ticks or 0 < to_win <= max(self._score)
        return game.StepResult(is_over=self._is_over, events=events)

    def view(self, audience: game.Audience) -> bytes:
        """All see the same table."""
        del audience
        return airhockey.encode_view(self._view())

    def observe(self, seat: game.Seat) -> Sequence[float]:
        """See `airhockey.observations`."""
        return airhockey.observe(self._view(), seat)

    def to_input(self, seat: game.Seat, action: int) -> airhockey.Input:
        """See `airhockey.input_of`."""
        return airhockey.input_of(action, seat)

    def rule_bot(self, seat: game.Seat, policy: str) -> airhockey.Input | None:
        """The rule policy of this strength."""
        action = airhockey.rule_policy(self.observe(seat), airhockey.Skill(policy))
        return airhockey.input_of(action, seat)

    def places(self) -> Sequence[game.Place]:
        """Most goals first."""
        return game.ranked(
            {game.Seat(s): (self._teams[s], goals) for s, goals in enumerate(self._score)}
        )

    def save(self) -> bytes:
        """Everything that the next tick depends on, at a fixed place."""
        puck, (one, two) = self._puck, self._mallets
        return _STATE.pack(
            self._tick,
            self._config.ticks,
            self._score[0],
            self._score[1],
            *(puck.x, puck.y, puck.vx, puck.vy),
            *(one.x, one.y, one.vx, one.vy),
            *(two.x, two.y, two.vx, two.vy),
            *(one.to_x, one.to_y, two.to_x, two.to_y),
            one.aims,
            two.aims,
            self._is_over,
            self._rest,
            self._held,
            *self._rng.state,
        )

    def load(self, raw: bytes) -> None:
        """Go on from `save`."""
        (self._tick, _, *score), numbers, rest = _split(_STATE.unpack(raw))
        self._score = list(score)
        puck, (one, two) = self._puck, self._mallets
        puck.x, puck.y, puck.vx, puck.vy = numbers[0:4]
        one.x, one.y, one.vx, one.vy = numbers[4:8]
        two.x, two.y, two.vx, two.vy = numbers[8:12]
        one.to_x, one.to_y, two.to_x, two.to_y = numbers[12:16]
        one_aims, two_aims, over, self._rest, self._held, a, b, c, count = rest
        one.aims, two.aims, self._is_over = bool(one_aims), bool(two_aims), bool(over)
        self._rng = rng.Rng((a, b, c, count))

    def _view(self) -> airhockey.View:
        stage = airhockey.Stage.SERVING if self._rest else airhockey.Stage.PLAYING
        return airhockey.View(
            tick=self._tick,
            ticks_left=self._config.ticks - self._tick,
            stage=airhockey.Stage.OVER if self._is_over else stage,
            score=(self._score[0], self._score[1]),
            puck=self._puck.body(),
            mallets=(self._mallets[0].body(), self._mallets[1].body()),
        )

    def _goal(self, scorer: int) -> game.GameEvent:
        self._score[scorer] += 1
        self._serve_to(1 - scorer)
        return game.GameEvent({"type": "goal", "seat": scorer, "score": list(self._score)})

    def _serve_to(self, seat: int) -> None:
        """Lay the puck down on the side of `seat`, to be served after a rest."""
        puck = self._puck
        puck.x, puck.y = 0.0, -table.SERVE_Y if seat == 0 else table.SERVE_Y
        puck.vx = puck.vy = 0.0
        self._rest = table.SERVE_TICKS
        self._held = 0

    def _move_puck(self) -> int | None:
        """Move the puck by one tick; the seat that scored, if one did."""
        puck = self._puck
        if self._rest:
            self._rest -= 1
            if not self._rest:
                puck.vx = (2.0 * self._rng.next_unit() - 1.0) * table.SERVE_SPEED
            for mallet in self._mallets:
                _part(mallet, puck)
            return None
        puck.vx *= table.GLIDE
        puck.vy *= table.GLIDE
        puck.x += puck.vx
        puck.y += puck.vy
        for mallet in self._mallets:
            _strike(puck, mallet)
        scorer = _bounce(puck)
        if scorer is None:
            for mallet in self._mallets:
                _part(mallet, puck)
            self._hold()
        return scorer

    def _hold(self) -> None:
        """Serve to the other a puck that stayed too long on one side; counted with its sign."""
        side = 1 if self._puck.y > 0.0 else -1
        self._held = self._held + side if self._held * side >= 0 else side
        if abs(self._held) > table.HOLD_TICKS:
            self._serve_to(0 if side > 0 else 1)


def _split(
    state: tuple[float, ...],
) -> tuple[tuple[int, ...], tuple[float, ...], tuple[int, ...]]:
    whole = tuple(int(v) for v in state[:4])
    return whole, state[4:20], tuple(int(v) for v in state[20:])


def _tell(mallet: _Disc, value: airhockey.Input) -> None:
    """Set what a mallet does until it is told otherwise."""
    if isinstance(value, hockey_inputs.Move):
        dx, dy = hockey_inputs.DIRECTIONS[value.direction]
        mallet.aims = False
        mallet.to_x, mallet.to_y = dx * table.MALLET_SPEED, dy * table.MALLET_SPEED
    else:
        mallet.aims = True
        mallet.to_x = value.x / hockey_inputs.QUANTA_PER_UNIT
        mallet.to_y = value.y / hockey_inputs.QUANTA_PER_UNIT


def _move_mallet(mallet: _Disc, seat: int) -> None:
    """Move a mallet by one tick, on its own half."""
    dx, dy = mallet.to_x, mallet.to_y
    if mallet.aims:
        dx, dy = dx - mallet.x, dy - mallet.y
        far = math.sqrt(dx * dx + dy * dy)
        if far > table.MALLET_SPEED:
            dx, dy = dx / far * table.MALLET_SPEED, dy / far * table.MALLET_SPEED
    x, y = mallet.x, mallet.y
    mallet.x = min(max(x + dx, -table.MALLET_MAX_X), table.MALLET_MAX_X)
    if seat == 0:
        mallet.y = min(max(y + dy, -table.MALLET_FAR_Y), -table.MALLET_NEAR_Y)
    else:
        mallet.y = min(max(y + dy, table.MALLET_NEAR_Y), table.MALLET_FAR_Y)
    mallet.vx, mallet.vy = mallet.x - x, mallet.y - y


def _strike(puck: _Disc, mallet: _Disc) -> None:
    """Push the puck out of a mallet, and send it off if they were closing."""
    dx, dy = puck.x - mallet.x, puck.y - mallet.y
    far = math.sqrt(dx * dx + dy * dy)
    if far >= table.TOUCH:
        return
    nx, ny = (dx / far, dy / far) if far > 0.0 else (0.0, 1.0 if mallet.y < 0.0 else -1.0)
    puck.x, puck.y = mallet.x + nx * table.TOUCH, mallet.y + ny * table.TOUCH
    closing = (puck.vx - mallet.vx) * nx + (puck.vy - mallet.vy) * ny
    if closing < 0.0:
        kick = (1.0 + table.MALLET_BOUNCE) * closing
        puck.vx -= kick * nx
        puck.vy -= kick * ny
    speed = math.sqrt(puck.vx * puck.vx + puck.vy * puck.vy)
    if speed > table.PUCK_SPEED:
        puck.vx = puck.vx / speed * table.PUCK_SPEED
        puck.vy = puck.vy / speed * table.PUCK_SPEED


def _bounce(puck: _Disc) -> int | None:
    """Keep the puck between the walls; the seat that scored when it went into a goal."""
    if abs(puck.x) > table.PUCK_MAX_X:
        puck.x = table.PUCK_MAX_X if puck.x > 0.0 else -table.PUCK_MAX_X
        puck.vx = -puck.vx * table.WALL_BOUNCE
    if abs(puck.y) <= table.PUCK_MAX_Y:
        return None
    if abs(puck.x) <= table.GOAL_HALF:
        if abs(puck.y) < table.HALF_LENGTH:
            return None
        return 0 if puck.y > 0.0 else 1
    puck.y = table.PUCK_MAX_Y if puck.y > 0.0 else -table.PUCK_MAX_Y
    puck.vy = -puck.vy * table.WALL_BOUNCE
    return None


def _part(mallet: _Disc, puck: _Disc) -> None:
    """Move a mallet back that squeezes the puck against a wall, or that touches a resting one."""
    dx, dy = mallet.x - puck.x, mallet.y - puck.y
    far = math.sqrt(dx * dx + dy * dy)
    if 0.0 < far < table.TOUCH:
        mallet.x = puck.x + dx / far * table.TOUCH
        mallet.y = puck.y + dy / far * table.TOUCH
