"""Elo ratings: what the placements of one match do to its players' ratings. Pure.

Each pair of teams is a game of two (Arpad Elo, "The Rating of Chessplayers", 1978): the team that
placed better scored 1, equal places 1/2 each, and the expected score is
1 / (1 + 10^((theirs - ours) / 400)). A team's rating is its members' mean. Every pair moves both
sides by the same whole number, K / (teams - 1) at most, so nothing is made or lost between teams,
and with two teams of one this is plain Elo with K = 32.

The pairs are taken in the order of the team numbers, never of the arguments: the same placements
give the same numbers, whoever lists them how.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matchfleet_contracts.ids import PlayerId

INITIAL: Final = 1500
K: Final = 32
_SCALE: Final = 400


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a player's seat came in. A team's place is the best of its members'; 1 is the best."""

    player: PlayerId
    team: int
    rank: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a match does to one player's rating."""

    player: PlayerId
    before: int
    delta: int

    @property
    def after(self) -> int:
        """The rating afterwards."""
        return self.before + self.delta


@dataclass(frozen=True, slots=True)
class _Team:
    number: int
    rank: int
    rating: float


def is_comparable(placements: Iterable[Placement]) -> bool:
    """Whether there are two teams to compare: nobody is rated for playing alone, or with bots."""
    return len({placed.team for placed in placements}) > 1


def rate(
    placements: Sequence[Placement], ratings: Mapping[PlayerId, int], *, k: int = K
) -> tuple[Change, ...]:
    """A change for each placed player, ordered by player; () unless two teams can be compared.

    Args:
        placements: the players of a finished match, each once.
        ratings: their ratings before it.
    """
    if not is_comparable(placements):
        return ()
    teams = _teams(placements, ratings)
    deltas = dict.fromkeys((team.number for team in teams), 0)
    for one, other in itertools.combinations(teams, 2):
        moved = round(k * (_score(one, other) - expected(one.rating, other.rating)) / _pairs(teams))
        deltas[one.number] += moved
        deltas[other.number] -= moved
    return tuple(
        Change(player=p.player, before=ratings[p.player], delta=deltas[p.team])
        for p in sorted(placements, key=lambda placed: placed.player)
    )


def expected(ours: float, theirs: float) -> float:
    """The score we expect, between 0 and 1, for ratings that lie not absurdly far apart."""
    # Beyond this the rounded result no longer changes, and 10 to the power of it would overflow.
    gap = max(-10_000.0, min(10_000.0, theirs - ours))
    return 1.0 / (1.0 + math.pow(10.0, gap / _SCALE))


def _score(one: _Team, other: _Team) -> float:
    if one.rank == other.rank:
        return 0.5
    return 1.0 if one.rank < other.rank else 0.0


def _pairs(teams: Sequence[_Team]) -> int:
    return len(teams) - 1


def _teams(placements: Iterable[Placement], ratings: Mapping[PlayerId, int]) -> list[_Team]:
    members: dict[int, list[Placement]] = {}
    for placed in placements:
        members.setdefault(placed.team, []).append(placed)
    return [
        _Team(
            number=number,
            rank=min(p.rank for p in placed),
            rating=sum(ratings[p.player] for p in placed) / len(placed),
        )
        for number, placed in sorted(members.items())
    ]
