"""What a game is to the platform: one class, free of clocks, chance and I/O.

A game is handed its parameters, its roster and a seed, then one tick at a time the inputs of that
tick. Everything else that happens to it follows from these, so that any match can be played again
from its log. A whole game:

    class Race(game.Game[int]):
        spec = game.GameSpec(name="race", version="1.0.0", min_seats=2, max_seats=8)

        def start(self, config, roster, *, seed):
            self.place = {entry.seat: 0 for entry in roster}

        def parse_input(self, raw):
            return raw[0] if len(raw) == 1 and raw[0] <= 3 else game.Reject("a step is 0 to 3")

        def tick(self, inputs):
            for seat, steps in inputs.items():
                self.place[seat] += steps
            return game.StepResult(is_over=max(self.place.values()) >= 1000)

        def view(self, audience):
            return bytes(min(place // 4, 255) for place in self.place.values())

        def places(self):
            return game.ranked({seat: (0, place) for seat, place in self.place.items()})

It is found by name through the entry point group `matchfleet.games`:

    [project.entry-points."matchfleet.games"]
    race = "race:Race"
"""

import abc
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NewType, TypeVar

from matchfleet_contracts.games import Reject
from matchfleet_contracts.ids import Seat
from matchfleet_contracts.resources import RosterEntry

__all__ = [
    "SPECTATOR",
    "Audience",
    "Game",
    "GameEvent",
    "GameSpec",
    "Place",
    "Reject",
    "Roster",
    "Seat",
    "StepResult",
    "ranked",
]

InputT = TypeVar("InputT")
Audience = NewType("Audience", int)
"""Who looks: the number of a seat, or SPECTATOR."""
SPECTATOR = Audience(-1)
Roster = Sequence[RosterEntry]


@dataclass(frozen=True, slots=True, kw_only=True)
class GameSpec:
    """What the platform must know of a game before it plays.

    Attributes:
        version: semantic; stamps replays and models.
        tick_hz: ticks a second; the game's own clock is its tick count.
        snapshot_hz: views sent a second, a divisor of tick_hz.
        decision_every: ticks between two decisions of a bot.
        decision_delay: ticks from what a bot service sees to when its action is applied.
        observation: names of the values of `observe`, in order; empty when no bot service can play.
        actions: names of the actions of `to_input`, in order.
        policies: names of the strengths that `rule_bot` knows, the default first.
    """

    name: str
    version: str
    min_seats: int
    max_seats: int
    tick_hz: int = 60
    snapshot_hz: int = 30
    decision_every: int = 4
    decision_delay: int = 4
    observation: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.min_seats <= self.max_seats <= 255:
            raise ValueError("seats lie between 1 and 255, at least min_seats of them")
        if not 1 <= self.snapshot_hz <= self.tick_hz <= 240 or self.tick_hz % self.snapshot_hz:
            raise ValueError("tick_hz is at most 240, and snapshot_hz divides it")
        if self.decision_every < 1 or self.decision_delay < 1:
            raise ValueError("decision_every and decision_delay are at least one tick")


@dataclass(frozen=True, slots=True)
class GameEvent:
    """Something that every player must hear of, once and in order; `data` is small JSON."""

    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one tick brought."""

    is_over: bool = False
    events: tuple[GameEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a seat stands; equal ranks are a draw and the best rank is 1."""

    seat: Seat
    rank: int
    score: int
    team: int = 0


def ranked(scores: Mapping[Seat, tuple[int, int]]) -> tuple[Place, ...]:
    """Places by score, the highest first; equal scores share a rank.

    Args:
        scores: team and score of each seat.
    """
    return tuple(
        Place(
            seat=seat, team=team, score=score, rank=1 + sum(o > score for _, o in scores.values())
        )
        for seat, (team, score) in sorted(scores.items())
    )


class Game(abc.ABC, Generic[InputT]):
    """One match of a game. Subclass it; the platform makes one object per match.

    No method may read a clock, draw chance other than from the seed, do I/O, or keep `inputs`.
    Seats are played in the order of their numbers. What raises ends the match as GameFailed.
    """

    spec: ClassVar[GameSpec]

    @abc.abstractmethod
    def start(self, config: Mapping[str, int | str], roster: Roster, *, seed: int) -> None:
        """Set the match up, quickly.

        Raises:
            errors.ConfigInvalid: of the contracts, when it cannot be played so; shown to its owner.
        """

    @abc.abstractmethod
    def parse_input(self, raw: bytes) -> InputT | Reject:
        """The input in a player's bytes. Total: hostile bytes give a Reject and never raise."""

    @abc.abstractmethod
    def tick(self, inputs: Mapping[Seat, InputT]) -> StepResult:
        """Play one tick. A seat without an input holds its last one, or does nothing."""

    @abc.abstractmethod
    def view(self, audience: Audience) -> bytes:
        """What this audience may see now, in the game's own layout; nothing else is ever sent."""

    @abc.abstractmethod
    def places(self) -> Sequence[Place]:
        """Where each seat stands; asked for when the game is over."""

    def rule_bot(self, seat: Seat, policy: str) -> InputT | None:
        """The input that the game's own rules choose for `seat` now; None holds the last one.

        `policy` is one of `spec.policies`, or empty where the game declares none.
        """
        del seat, policy
        return None

    def observe(self, seat: Seat) -> Sequence[float]:
        """What a bot service sees from `seat`: one float32 for each name in `spec.observation`."""
        raise NotImplementedError("a game that declares an observation implements observe")

    def to_input(self, seat: Seat, action: int) -> InputT:
        """The input that plays an index into `spec.actions`; must not raise for a wrong index."""
        raise NotImplementedError("a game that declares actions implements to_input")

    def save(self) -> bytes:
        """The whole state in canonical bytes: equal states give equal bytes on every machine."""
        raise NotImplementedError("this game implements no save")

    def load(self, raw: bytes) -> None:
        """Go on from what `save` gave, after `start` with the same arguments."""
        raise NotImplementedError("this game implements no load")

    def hash(self) -> bytes:
        """A digest of the state; two runs of one log agree on it at every tick."""
        return hashlib.blake2b(self.save(), digest_size=16).digest()
