"""One match from its assignment to its end: when it starts, what each tick plays, why it ends.

Time is an argument, in seconds of a clock that never goes back. The rules:

    waiting -> playing   every player joined; or the time to join is up, the match is not ranked,
                         and at least one came: then the game's own rules play for the others
    waiting -> ended     the time to join is up otherwise: JoinTimeout
    playing -> ended     the game is over: completed; it plays too long: TimedOut
    either  -> ended     told to stop, and the time to drain is up: Drained; it raises: GameFailed
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchfleet_contracts import results, wire
from matchfleet_contracts.ids import MatchUid, Seat
from matchfleet_contracts.resources import MatchSpec, Reason
from matchfleet_contracts.results import Outcome, Result
from matchfleet_gameserver import game, seats

MAX_MESSAGE_CHARS = 300


class Stage(enum.Enum):
    """Where a match stands on its server."""

    WAITING = "waiting"
    PLAYING = "playing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a match is over; completed when there is no reason."""

    reason: Reason | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """The match starts to play now."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one tick brought.

    Attributes:
        events: of the game, in order.
        rejected: the seats whose input was none of the game's, and why.
        ending: present when the game is over.
    """

    events: tuple[game.GameEvent, ...]
    rejected: tuple[tuple[Seat, str], ...]
    ending: Ending | None


class Match:
    """The match of this server. `tick` is the number of ticks played."""

    def __init__(
        self,
        uid: MatchUid,
        spec: MatchSpec,
        play: game.Game[Any],
        *,
        max_queued_inputs: int,
        now: float,
    ) -> None:
        self.uid = uid
        self.spec = spec
        self.play = play
        self.seats = seats.Seats.of(spec.players, max_queued_inputs=max_queued_inputs)
        self.stage = Stage.WAITING
        self.tick = 0
        self._join_by = now + spec.limits.join_seconds
        self._end_by = float("inf")
        self._drained_by = float("inf")

    def drain(self, *, within_s: float, now: float) -> None:
        """Told to stop: play on, but no longer than this."""
        self._drained_by = min(self._drained_by, now + within_s)

    @property
    def is_draining(self) -> bool:
        """Whether it was told to stop."""
        return self._drained_by != float("inf")

    def deadline(self) -> float:
        """When `due` must be asked again at the latest; infinite when it is over."""
        match self.stage:
            case Stage.WAITING:
                return min(self._join_by, self._drained_by)
            case Stage.PLAYING:
                return min(self._end_by, self._drained_by)
            case Stage.ENDED:
                return float("inf")

    def due(self, now: float) -> Start | Ending | None:
        """What has to happen now, because of who came and of the time."""
        if self.stage is Stage.ENDED:
            return None
        if now >= self._drained_by:
            return Ending(Reason.DRAINED, "the server had to stop before the game was over")
        if self.stage is Stage.PLAYING:
            return self._too_long() if now >= self._end_by else None
        if self.seats.all_joined:
            return Start()
        if now < self._join_by:
            return None
        if self.spec.ranked or not self.seats.any_joined:
            return Ending(Reason.JOIN_TIMEOUT, "not every player came in time")
        return Start()

    def start(self, now: float) -> None:
        """Begin to play; the time to play counts from here."""
        self.stage = Stage.PLAYING
        self._end_by = now + self.spec.limits.max_seconds

    def step(self, bots: Mapping[Seat, Any]) -> Step:
        """Play one tick: one queued input of each player, and what the bots chose.

        Raises:
            Exception: whatever the game raises; the caller ends the match with `failed`.
        """
        chosen: dict[Seat, Any] = {}
        rejected: list[tuple[Seat, str]] = []
        for seat, chair in self.seats:
            if seat in bots:
                chosen[seat] = bots[seat]
            elif chair.queue:
                chair.played_seq, raw = chair.queue.popleft()
                value = self.play.parse_input(raw)
                if isinstance(value, game.Reject):
                    chair.rejected += 1
                    rejected.append((seat, value.reason))
                else:
                    chosen[seat] = value
        stepped = self.play.tick(chosen)
        self.tick += 1
        ending = Ending() if stepped.is_over else None
        return Step(events=stepped.events, rejected=tuple(rejected), ending=ending)

    def end(self) -> None:
        """Nothing is due any more."""
        self.stage = Stage.ENDED

    def result(self, ending: Ending, *, achieved_hz: float, late_ticks: int) -> Result:
        """The result of ending the match so; it changes nothing.

        Raises:
            Exception: whatever the game raises when it is asked who won.
        """
        return Result(
            match_uid=self.uid,
            outcome=Outcome.VOID if ending.reason else Outcome.COMPLETED,
            standings=[] if ending.reason else self._standings(),
            ticks=self.tick,
            tick_hz=self.play.spec.tick_hz,
            achieved_hz=round(achieved_hz, 3),
            late_ticks=min(late_ticks, self.tick),
            reason=ending.reason,
            message=ending.message[:MAX_MESSAGE_CHARS],
        )

    def _standings(self) -> list[results.Standing]:
        return [
            results.Standing(
                seat=place.seat,
                rank=place.rank,
                score=place.score,
                team=place.team,
                bot=self.seats[place.seat].holder is not wire.Holder.HUMAN,
            )
            for place in self.play.places()
        ]

    def _too_long(self) -> Ending:
        limit = self.spec.limits.max_seconds
        return Ending(Reason.TIMED_OUT, f"the game was not over after {limit} s")


def failed(error: Exception) -> Ending:
    """The ending of a match whose game raised."""
    return Ending(Reason.GAME_FAILED, f"{type(error).__name__}: {error}")
