"""Builders of what a game server is told, with defaults, and a game that counts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts.ids import MatchUid
from matchfleet_contracts.resources import Limits, MatchSpec, PlayerKind, RosterEntry
from matchfleet_gameserver import game, match


class Counting(game.Game[int]):
    """A game whose inputs are one byte each, added up; over after `ticks` ticks."""

    spec: ClassVar[game.GameSpec] = game.GameSpec(
        name="counting",
        version="1.0.0",
        min_seats=1,
        max_seats=4,
        observation=("sum", "ticks"),
        actions=("nothing", "one", "two"),
        policies=("plain", "keen"),
    )

    def start(self, config: Mapping[str, int | str], roster: game.Roster, *, seed: int) -> None:
        ticks = config.get("ticks", 10)
        if not isinstance(ticks, int) or ticks < 1:
            raise contract_errors.ConfigInvalid("config.ticks is a whole number from 1")
        self.left = ticks
        self.seed = seed
        self.sums = {game.Seat(entry.seat): 0 for entry in roster}
        self.seen: list[dict[game.Seat, int]] = []

    def parse_input(self, raw: bytes) -> int | game.Reject:
        return raw[0] if len(raw) == 1 else game.Reject("one byte")

    def tick(self, inputs: Mapping[game.Seat, int]) -> game.StepResult:
        self.seen.append(dict(inputs))
        for seat, value in inputs.items():
            self.sums[seat] += value
        self.left -= 1
        return game.StepResult(is_over=self.left <= 0)

    def view(self, audience: game.Audience) -> bytes:
        return bytes((self.sums.get(game.Seat(audience), 0) % 256,))

    def places(self) -> Sequence[game.Place]:
        return game.ranked({seat: (seat, total) for seat, total in self.sums.items()})

    def rule_bot(self, seat: game.Seat, policy: str) -> int | None:
        del seat
        return {"plain": 100, "keen": 200}[policy]

    def observe(self, seat: game.Seat) -> Sequence[float]:
        return (float(self.sums[seat]), float(self.left))

    def to_input(self, seat: game.Seat, action: int) -> int:
        del seat
        return action


def human(seat: int, *, team: int | None = None) -> RosterEntry:
    return RosterEntry(
        seat=seat, team=seat if team is None else team, kind=PlayerKind.HUMAN, id=f"player-{seat}"
    )


def bot(seat: int, policy: str | None = None) -> RosterEntry:
    return RosterEntry(seat=seat, team=seat, kind=PlayerKind.BOT, bot=policy)


def a_spec(*players: RosterEntry, **changes: Any) -> MatchSpec:
    fields: dict[str, Any] = {
        "game": "counting",
        "mode": "test",
        "region": "eu",
        "fleets": ["f"],
        "players": list(players or (human(0), human(1))),
        "limits": Limits(join_seconds=30, max_seconds=300),
    }
    return MatchSpec(**(fields | changes))


def a_match(*players: RosterEntry, now: float = 0.0, **changes: Any) -> match.Match:
    spec = a_spec(*players, **changes)
    play = Counting()
    play.start(spec.config, spec.players, seed=spec.seed)
    return match.Match(MatchUid("uid"), spec, play, max_queued_inputs=4, now=now)


class Builders:
    """What the tests of this folder build with."""

    Counting = Counting
    human = staticmethod(human)
    bot = staticmethod(bot)
    spec = staticmethod(a_spec)
    match = staticmethod(a_match)


@pytest.fixture(scope="session")
def a() -> type[Builders]:
    return Builders
