"""Games that misbehave, each in one way; installed beside the server under test."""

import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

from matchfleet_gameserver import game


class Quiet(game.Game[bytes]):
    """Does nothing for ever; what the others build on."""

    spec: ClassVar[game.GameSpec] = game.GameSpec(
        name="quiet", version="1.0.0", min_seats=1, max_seats=8
    )

    def start(self, config: Mapping[str, int | str], roster: game.Roster, *, seed: int) -> None:
        del seed
        self.config = dict(config)
        self.seats = [game.Seat(entry.seat) for entry in roster]
        self.ticks = 0

    def parse_input(self, raw: bytes) -> bytes | game.Reject:
        return raw if raw[:1] == b"y" else game.Reject("an input starts with y")

    def tick(self, inputs: Mapping[game.Seat, bytes]) -> game.StepResult:
        del inputs
        self.ticks += 1
        return game.StepResult(is_over=self.ticks == self.config.get("ticks"))

    def view(self, audience: game.Audience) -> bytes:
        del audience
        return self.ticks.to_bytes(4, "little")

    def places(self) -> Sequence[game.Place]:
        return game.ranked(dict.fromkeys(self.seats, (0, 0)))


class Hanging(Quiet):
    """Never returns from its tenth tick."""

    spec = game.GameSpec(name="hanging", version="1.0.0", min_seats=1, max_seats=8)

    def tick(self, inputs: Mapping[game.Seat, bytes]) -> game.StepResult:
        while self.ticks >= 10:
            time.monotonic()
        return super().tick(inputs)


class Raising(Quiet):
    """Raises in its tenth tick."""

    spec = game.GameSpec(name="raising", version="1.0.0", min_seats=1, max_seats=8)

    def tick(self, inputs: Mapping[game.Seat, bytes]) -> game.StepResult:
        if self.ticks == 9:
            raise ZeroDivisionError("a goal of no width")
        return super().tick(inputs)


class Big(Quiet):
    """Shows 16 KiB in every tick."""

    spec = game.GameSpec(name="big", version="1.0.0", min_seats=1, max_seats=8, snapshot_hz=60)

    def view(self, audience: game.Audience) -> bytes:
        return super().view(audience) + bytes(16_384)
