"""From a proposal to the Match that is asked for. Pure: id, seed and time are arguments."""

import datetime
from typing import Any

import msgspec

from matchfleet_api.matchmaking import pairing, queues
from matchfleet_contracts import clock, resources


def not_after(queue: queues.Queue, now: datetime.datetime) -> datetime.datetime:
    """When a match asked for now must have a server."""
    return now + datetime.timedelta(seconds=queue.limits.assign_seconds)


def match_spec(
    proposal: pairing.Proposal, queue: queues.Queue, *, seed: int, now: datetime.datetime
) -> dict[str, Any]:
    """`spec` of the Match resource, as the API server takes it.

    Args:
        seed: of the game's own randomness, below 2^32.
    """
    spec = resources.MatchSpec(
        game=queue.game,
        mode=queue.mode,
        region=proposal.region,
        fleets=list(queue.regions[proposal.region]),
        players=[_entry(place, queue) for place in proposal.places],
        config=dict(queue.config),
        seed=seed,
        ranked=proposal.ranked,
        limits=queue.limits,
        not_after=clock.rfc3339(not_after(queue, now)),
    )
    built: dict[str, Any] = msgspec.to_builtins(spec)
    return built


def _entry(place: pairing.Place, queue: queues.Queue) -> resources.RosterEntry:
    if place.candidate is None:
        return resources.RosterEntry(
            seat=place.seat, kind=resources.PlayerKind.BOT, team=place.team, bot=queue.bot
        )
    return resources.RosterEntry(
        seat=place.seat,
        kind=resources.PlayerKind.HUMAN,
        id=place.candidate.player,
        team=place.team,
    )
