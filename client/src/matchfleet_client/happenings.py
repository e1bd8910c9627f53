"""What happens to a player on the way through one match, and how it is said to people.

`play` tells these as they happen; the command prints them, the demo prints them, a test collects
them. Each is said in one sentence that names what a reader may want to look up.
"""

from dataclasses import dataclass

from matchfleet_contracts.ids import MatchId, PlayerId


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A player has a login; `rating` is None before its first rated match."""

    player: PlayerId
    name: str
    rating: int | None


@dataclass(frozen=True, slots=True)
class Queued:
    """A player waits for opponents."""

    name: str
    queue: str
    rtt_ms: dict[str, int]


@dataclass(frozen=True, slots=True)
class Matched:
    """A match was made of the player's ticket."""

    name: str
    match: MatchId
    region: str
    opponents: tuple[str, ...]
    after_s: float


@dataclass(frozen=True, slots=True)
class ServerReady:
    """A server waits for the players at `address`."""

    match: MatchId
    address: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Joined:
    """A player holds its seat and has seen the game: it is playable."""

    name: str
    seat: int
    policy: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Scored:
    """The score changed; `at_s` is the game's own time."""

    score: tuple[int, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class GameOver:
    """The server ended the match; what it said is provisional until it is recorded."""

    match: MatchId
    ticks: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """The result is in the product's memory for good."""

    match: MatchId
    places: tuple[tuple[str, int, int], ...]
    draw: bool


@dataclass(frozen=True, slots=True)
class Rated:
    """A player's rating before and after."""

    name: str
    before: int
    after: int
    after_s: float


Happening = (
    LoggedIn | Queued | Matched | ServerReady | Joined | Scored | GameOver | Recorded | Rated
)


def sentence(happening: Happening) -> str:
    """The happening, for people."""
    match happening:
        case LoggedIn(name=name, rating=rating):
            return f"{name} is logged in" + (f", rated {rating}" if rating is not None else "")
        case Queued(name=name, queue=queue, rtt_ms=rtt_ms):
            trips = ", ".join(f"{region} {ms} ms" for region, ms in rtt_ms.items())
            return f"{name} queues for {queue} ({trips})"
        case Matched(name=name, match=match_id, region=region, opponents=opponents, after_s=s):
            against = " and ".join(opponents) or "nobody"
            return f"{name} is matched against {against} in {region} after {s:.2f} s: {match_id}"
        case ServerReady(address=address, after_s=s):
            return f"the server is ready at {address} after {s:.2f} s"
        case Joined(name=name, seat=seat, policy=policy, after_s=s):
            return f"{name} plays seat {seat} ({policy}), {s:.2f} s after queueing"
        case Scored(score=score, at_s=s):
            return f"score {' : '.join(str(goals) for goals in score)} at {s:.1f} s"
        case GameOver(ticks=ticks):
            return f"the game is over after {ticks} ticks"
        case Recorded(places=places, draw=draw):
            order = ", ".join(f"{rank}. {name} ({score})" for name, rank, score in places)
            return f"the result is recorded: {'a draw, ' if draw else ''}{order}"
        case Rated(name=name, before=before, after=after, after_s=s):
            return f"{name} is rated {before} -> {after} ({after - before:+d}) after {s:.2f} s"
