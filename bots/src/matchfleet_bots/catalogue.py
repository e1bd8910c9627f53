"""Which games the service plays, and with which policies.

A policy is a pure function from what a seat sees to an action. A game is added here by one entry.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from matchfleet_bots import errors
from matchfleet_contracts.games import airhockey

Policy = Callable[[Sequence[float]], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One game: the length of its observations, and its policies by name."""

    observation_length: int
    default: str
    policies: Mapping[str, Policy]


def _airhockey(skill: airhockey.Skill) -> Policy:
    return lambda observation: airhockey.rule_policy(observation, skill)


CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        airhockey.GAME: Entry(
            observation_length=len(airhockey.FIELDS),
            default=airhockey.Skill.MEDIUM,
            policies={skill: _airhockey(skill) for skill in airhockey.Skill},
        )
    }
)


def entry_of(game: str) -> Entry:
    """The entry of a game.

    Raises:
        errors.RequestInvalid: there is none.
    """
    entry = CATALOGUE.get(game)
    if entry is None:
        known = ", ".join(CATALOGUE)
        raise errors.RequestInvalid(f"no bot here plays {game!r}; it plays {known}")
    return entry


def action(entry: Entry, policy: str, observation: Sequence[float]) -> int:
    """The action that a policy chooses; an empty name is the game's default.

    Raises:
        errors.RequestInvalid: no such policy, or not an observation of the game.
    """
    chosen = entry.policies.get(policy or entry.default)
    if chosen is None:
        known = ", ".join(entry.policies)
        raise errors.RequestInvalid(f"no policy is called {policy!r}; there are {known}")
    if len(observation) != entry.observation_length:
        raise errors.RequestInvalid(
            f"an observation has {entry.observation_length} values, not {len(observation)}"
        )
    if not all(-1.0 <= value <= 1.0 for value in observation):
        raise errors.RequestInvalid("the values of an observation lie between -1 and 1")
    return chosen(observation)
