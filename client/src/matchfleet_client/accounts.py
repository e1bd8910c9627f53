"""What became of a match, as its players saw it: pure, from what the API says.

`matchfleet play --json` prints an `Account`; everything in it can be looked up again by its ids.
"""

from dataclasses import dataclass

import msgspec

from matchfleet_client import errors, models
from matchfleet_contracts import results
from matchfleet_contracts.ids import MatchId

INITIAL_RATING = 1500


class Place(msgspec.Struct, frozen=True):
    """One seat's place in the end."""

    seat: int
    name: str
    rank: int
    score: int
    bot: bool


class Account(msgspec.Struct, frozen=True):
    """One match as its first player lived it; what `matchfleet play --json` prints last.

    Attributes:
        ratings: before and after, of every player that played.
        ticket_to_playable_s: from the ticket to the first snapshot, of the slowest player.
        end_to_rating_s: from the server's END until the rating shows over REST.
    """

    match: MatchId
    endpoint: str
    region: str
    standings: list[Place]
    draw: bool
    ratings: dict[str, tuple[int, int]]
    ticks: int
    achieved_hz: float
    late_ticks: int
    ticket_to_playable_s: float
    end_to_rating_s: float


@dataclass(frozen=True, slots=True)
class Lived:
    """What one player's way through the match came to."""

    name: str
    match: models.Match
    rating: tuple[int, int]
    playable_s: float
    rated_s: float


def of_lives(lives: list[Lived]) -> Account:
    """The account of the first player's match."""
    match = lives[0].match
    if match.result is None:
        raise errors.MatchLost(
            match.id,
            state=match.state,
            reason=match.reason or "no reason given",
            message=match.message or "",
        )
    return Account(
        match=match.id,
        endpoint=match.url or "",
        region=match.region,
        standings=places(match),
        draw=is_draw(match.result),
        ratings={life.name: life.rating for life in lives},
        ticks=match.result.ticks,
        achieved_hz=match.result.achieved_hz,
        late_ticks=match.result.late_ticks,
        ticket_to_playable_s=round(max(life.playable_s for life in lives), 3),
        end_to_rating_s=round(max(life.rated_s for life in lives), 3),
    )


def places(match: models.Match) -> list[Place]:
    """The standings with names, the best first."""
    if match.result is None:
        return []
    names = {int(seat.seat): seat_name(seat) for seat in match.seats}
    listed = [
        Place(s.seat, names.get(s.seat, f"seat {s.seat}"), s.rank, s.score, s.bot)
        for s in match.result.standings
    ]
    return sorted(listed, key=lambda place: (place.rank, place.seat))


def seat_name(seat: models.SeatHolder) -> str:
    """Who plays a seat, for people."""
    return seat.name or (f"bot {seat.bot}" if seat.bot else f"seat {seat.seat}")


def is_draw(result: results.Result) -> bool:
    """Whether the best rank is shared."""
    return sum(standing.rank == 1 for standing in result.standings) > 1


def rating_move(match: models.Match, who: str, *, otherwise: int | None) -> tuple[int, int]:
    """A player's rating before and after; unmoved when the match was not rated."""
    for move in match.ratings:
        if move.player_id == who:
            return move.before, move.after
    still = otherwise if otherwise is not None else INITIAL_RATING
    return still, still
