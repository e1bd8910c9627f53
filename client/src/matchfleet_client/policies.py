"""How the client's players play: the rules that the product's own bots use, in three strengths.

A policy sees what its player sees, the view of one snapshot, and answers with the input to send.
One that plays another game is one more class here.
"""

from typing import Protocol

from matchfleet_client import errors
from matchfleet_contracts.games import airhockey

STRENGTHS = tuple(skill.value for skill in airhockey.Skill)


class Policy(Protocol):
    """Plays one seat of one game."""

    name: str

    def act(self, view: bytes, seat: int) -> bytes:
        """The input to send after seeing `view` from `seat`."""
        ...

    def score(self, view: bytes) -> tuple[tuple[int, ...], float]:
        """The score by seat, and the game's own time in seconds."""
        ...


class AirHockey:
    """The rule bot of air hockey at one strength."""

    def __init__(self, skill: airhockey.Skill) -> None:
        self.name = skill.value
        self._skill = skill

    def act(self, view: bytes, seat: int) -> bytes:
        """The direction that the rules choose."""
        seen = airhockey.observe(airhockey.decode_view(view), seat)
        action = airhockey.rule_policy(seen, self._skill)
        return airhockey.encode_input(airhockey.input_of(action, seat))

    def score(self, view: bytes) -> tuple[tuple[int, ...], float]:
        """The goals of both seats, and the seconds played."""
        seen = airhockey.decode_view(view)
        return seen.score, seen.tick / airhockey.TICK_HZ


def policy(game: str, name: str) -> Policy:
    """The policy called `name` for a game.

    Raises:
        errors.NoPolicy: this client does not know how to play that.
    """
    if game != airhockey.GAME:
        raise errors.NoPolicy(f"this client plays {airhockey.GAME}, not {game}: choose its queue")
    if name not in STRENGTHS:
        known = ", ".join(STRENGTHS)
        raise errors.NoPolicy(f"there is no policy {name!r} for {game}: choose one of {known}")
    return AirHockey(airhockey.Skill(name))
