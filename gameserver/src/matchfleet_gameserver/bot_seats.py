"""What the seats without a player do: when to ask a bot service, and when not to wait for it.

A game's bots decide every few ticks. For a bot with a policy the service is asked at tick t for an
action that is played at exactly t + delay, so that a fast answer and a slow one play alike; what is
not there by then is played by the game's own rules. Seats whose player is away, and every seat when
there is no service, are played by the rules at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matchfleet_contracts import wire
from matchfleet_contracts.ids import Seat
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
        missed: seats for which the service had been asked and did not answer in time.
    """

    inputs: dict[Seat, Any]
    ask: Ask | None
    missed: int


class BotSeats:
    """The bots of one match."""

    def __init__(
        self, play: game.Game[Any], taken: seats.Seats, *, service: breaker.Breaker | None
    ) -> None:
        self._play = play
        self._seats = taken
        self._service = service if play.spec.observation else None
        self._asked: dict[int, frozenset[Seat]] = {}
        self._answers: dict[int, Mapping[Seat, int]] = {}

    def turn(self, tick: int) -> Turn:
        """What to do at `tick`, which is about to be played; the first is 1."""
        asked = self._asked.pop(tick, frozenset())
        answers = self._answers.pop(tick, {})
        self._judge(tick, asked, answers)
        decides = (tick - 1) % self._play.spec.decision_every == 0
        ask = self._ask(tick) if decides else None
        waiting = self._service_seats() if self._asked else frozenset()
        inputs: dict[Seat, Any] = {}
        for seat, chair in self._seats:
            if chair.holder is wire.Holder.HUMAN:
                continue
            if seat in answers:
                inputs[seat] = self._play.to_input(seat, answers[seat])
            elif seat in asked or (decides and (seat not in waiting or tick == 1)):
                choice = self._play.rule_bot(seat, self._policy(chair))
                if choice is not None:
                    inputs[seat] = choice
        return Turn(inputs=inputs, ask=ask, missed=len(asked - answers.keys()))

    def answer(self, tick: int, actions: Mapping[Seat, int]) -> bool:
        """Keep the service's actions for `tick`; False when they come too late or are not valid."""
        asked = self._asked.get(tick)
        count = len(self._play.spec.actions)
        if asked is None or not all(0 <= action < count for action in actions.values()):
            return False
        self._answers[tick] = {s: a for s, a in actions.items() if s in asked}
        return True

    @property
    def is_resting(self) -> bool:
        """Whether the service is left alone, because it did not answer."""
        return self._service is not None and self._service.is_open

    def _judge(self, tick: int, asked: frozenset[Seat], answers: Mapping[Seat, int]) -> None:
        if self._service is None or not asked:
            return
        if asked <= answers.keys():
            self._service.answered()
        else:
            self._service.missed(tick)

    def _ask(self, tick: int) -> Ask | None:
        if self._service is None or not self._service.may_ask(tick):
            return None
        asked = self._service_seats()
        if not asked:
            return None
        at = tick + self._play.spec.decision_delay
        self._asked[at] = asked
        return Ask(
            tick=at,
            looks=tuple(
                Look(seat=seat, policy=chair.entry.bot or "", values=self._play.observe(seat))
                for seat, chair in self._seats
                if seat in asked
            ),
        )

    def _service_seats(self) -> frozenset[Seat]:
        return frozenset(
            seat
            for seat, chair in self._seats
            if chair.holder is wire.Holder.BOT and chair.entry.bot is not None
        )

    def _policy(self, chair: seats.Chair) -> str:
        """The strength that the game's own rules play with in place of a policy."""
        known = self._play.spec.policies
        if chair.entry.bot in known:
            return chair.entry.bot or ""
        return known[0] if known else ""
