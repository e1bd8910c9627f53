"""What an event adds to the aggregates. Pure.

A match counts in the hour of its event: created where players were paired, ended where it ended.
Players, bots and ticks count when the match was played to its end; players in the hour they were
paired, each once an hour. Other events add nothing.
"""

import datetime
import uuid
from dataclasses import dataclass

from matchfleet_contracts import clock, events
from matchfleet_contracts.ids import PlayerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What is added to one hour of one mode in one region."""

    hour: datetime.datetime
    game: str
    mode: str
    region: str
    created: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    humans: int = 0
    bots: int = 0
    ticks: int = 0
    players: tuple[PlayerId, ...] = ()


def count(event: events.Event) -> Addition | None:
    """What `event` adds, or None.

    Raises:
        ValueError: its time, or a player's id, cannot be read.
    """
    match event.data:
        case events.MatchCreated() as made:
            return Addition(
                hour=_hour(event.time),
                game=made.game,
                mode=made.mode,
                region=made.region,
                created=1,
                players=tuple(PlayerId(str(uuid.UUID(player))) for player in made.players),
            )
        case events.MatchEnded() as ended:
            return _ended(ended, _hour(event.time))
        case _:
            return None


def _ended(ended: events.MatchEnded, hour: datetime.datetime) -> Addition:
    was_played = ended.ended_as is events.EndedAs.COMPLETED
    return Addition(
        hour=hour,
        game=ended.game,
        mode=ended.mode,
        region=ended.region,
        completed=int(was_played),
        failed=int(ended.ended_as is events.EndedAs.FAILED),
        cancelled=int(ended.ended_as is events.EndedAs.CANCELLED),
        humans=ended.humans if was_played else 0,
        bots=ended.bots if was_played else 0,
        ticks=ended.result.ticks if was_played and ended.result is not None else 0,
    )


def _hour(time: str) -> datetime.datetime:
    at = clock.parse_rfc3339(time).astimezone(datetime.UTC)
    return at.replace(minute=0, second=0, microsecond=0)
