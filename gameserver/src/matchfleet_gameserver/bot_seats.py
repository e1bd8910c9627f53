"""What the seats without a player do: when to ask a bot service, and when not to wait for it.

A game's bots decide every few ticks. For a bot with a policy the service is asked at tick t for an
action that is played at exactly t + delay, so that a fast answer and a slow one play alike; what is
not there by then is played by the game's own rules. Seats whose player is away, and every bot when
there is no service, are played by the rules at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from matchfleet_contracts import wire
from matchfleet_contracts.ids import Seat
from matchfleet_contracts.resources import PlayerKind
from matchfleet_gameserver import breaker, game, seats


@dataclass(frozen=True, slots=True)
class Look:
    """What one bot sees."""

    seat: Seat
    policy: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the bot service: what to do at `tick`."""

    tick: int
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the bots do at one tick.

    Attributes:
        inputs: of the seats whose bot decides now; the others hold their last input.
        ask: for a later tick, if the service is to be asked.
        missed: decisions that the service was asked for and that the rules had to make.
    """

    inputs: dict[Seat, Any]
    ask: Ask | None
    missed: int


Answer = Callable[[int, Mapping[Seat, int]], bool]
"""Takes the actions for a tick; False when they come too late or are not valid."""


class Provider(Protocol):
    """Where the actions of bots come from."""

    def ask(self, question: Ask, *, deadline_s: float, answer: Answer) -> None:
        """Ask without waiting; `answer` is called if one comes before the deadline."""
        ...

    async def close(self) -> None:
        """Ask no more."""
        ...


class BotSeats:
    """The bots of one match; `service` is None when there is nobody to ask."""

    def __init__(
        self, play: game.Game[Any], taken: seats.Seats, *, service: breaker.Breaker | None
    ) -> None:
        self._play = play
        self._seats = taken
        self._service = service if play.spec.observation else None
        self._served = frozenset(
            seat
            for seat, chair in taken
            if chair.entry.kind is PlayerKind.BOT and chair.entry.bot is not None
        )
        self._asked: set[int] = set()
        self._answers: dict[int, Mapping[Seat, int]] = {}
        self._covered_until = 0

    def turn(self, tick: int) -> Turn:
        """What to do at `tick`, which is about to be played; the first is 1."""
        due, answers = self._resolve(tick)
        decides = (tick - 1) % self._play.spec.decision_every == 0
        covered = self._served if tick <= self._covered_until else frozenset()
        inputs: dict[Seat, Any] = {}
        for seat, chair in self._seats:
            if chair.holder is wire.Holder.HUMAN:
                continue
            if seat in answers:
                inputs[seat] = self._play.to_input(seat, answers[seat])
            elif seat in due or (decides and seat not in covered):
                choice = self._play.rule_bot(seat, self._policy(chair))
                if choice is not None:
                    inputs[seat] = choice
        ask = self._ask(tick) if decides else None
        return Turn(inputs=inputs, ask=ask, missed=len(due - answers.keys()))

    def answer(self, tick: int, actions: Mapping[Seat, int]) -> bool:
        """Keep the service's actions for `tick`; False when they come too late or are not valid."""
        count = len(self._play.spec.actions)
        if tick not in self._asked or not all(0 <= a < count for a in actions.values()):
            return False
        self._answers[tick] = {s: a for s, a in actions.items() if s in self._served}
        return True

    def _resolve(self, tick: int) -> tuple[frozenset[Seat], Mapping[Seat, int]]:
        """The seats for which the service's answer is due now, and the answers that came."""
        if tick not in self._asked or self._service is None:
            return frozenset(), {}
        self._asked.remove(tick)
        self._covered_until = tick + self._play.spec.decision_every - 1
        answers = self._answers.pop(tick, {})
        if self._served <= answers.keys():
            self._service.answered()
        else:
            self._service.missed(tick)
        return self._served, answers

    def _ask(self, tick: int) -> Ask | None:
        if self._service is None or not self._served or not self._service.may_ask(tick):
            return None
        at = tick + self._play.spec.decision_delay
        self._asked.add(at)
        looks = tuple(
            Look(seat=seat, policy=chair.entry.bot or "", values=self._play.observe(seat))
            for seat, chair in self._seats
            if seat in self._served
        )
        return Ask(tick=at, looks=looks)

    def _policy(self, chair: seats.Chair) -> str:
        """The strength that the game's own rules play with in place of a policy."""
        known = self._play.spec.policies
        if chair.entry.bot is not None and chair.entry.bot in known:
            return chair.entry.bot
        return known[0] if known else ""
