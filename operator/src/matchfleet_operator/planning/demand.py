"""Which players wait for which Fleet, from what the matchmaker says of its queues.

A queue names its Fleets in each region, in order. All who wait there count for the first of them
that scales by queue depth, for that is where their Matches turn to. The matchmaker says every few
seconds how many wait, changed or not; a queue that nobody spoke of for longer is not known, and
counts as empty.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matchfleet_contracts.events import QueueDepth
from matchfleet_contracts.ids import FleetName
from matchfleet_operator.planning.seen import FleetSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the matchmaker said of one queue, and when that was heard."""

    said: QueueDepth
    heard_at: datetime.datetime

    def is_known(self, *, now: datetime.datetime, stale: datetime.timedelta) -> bool:
        """Whether it is young enough to be believed."""
        return now < self.heard_at + stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Players that wait for a Fleet.

    is_known: every queue that names the Fleet was heard of lately, and there is one.
    until: when what is known becomes too old; None while nothing is.
    """

    players: int = 0
    is_known: bool = False
    until: datetime.datetime | None = None


UNKNOWN = Depth()


def of_fleet(
    fleet: FleetSeen,
    reports: Iterable[Report],
    fleets: Mapping[FleetName, FleetSeen],
    *,
    now: datetime.datetime,
    stale: datetime.timedelta,
) -> Depth:
    """The players that wait for `fleet`."""
    mine = [r for r in reports if r.said.game == fleet.game and _names(r.said, fleet.name)]
    known = [r for r in mine if r.is_known(now=now, stale=stale)]
    return Depth(
        players=sum(_players(r.said, fleet, fleets) for r in known),
        is_known=bool(mine) and len(known) == len(mine),
        until=min((r.heard_at + stale for r in known), default=None),
    )


def _names(said: QueueDepth, name: FleetName) -> bool:
    return any(name in region.fleets for region in said.regions.values())


def _players(said: QueueDepth, fleet: FleetSeen, fleets: Mapping[FleetName, FleetSeen]) -> int:
    return sum(
        region.players
        for region in said.regions.values()
        if _first_that_scales(region.fleets, fleet.game, fleets) == fleet.name
    )


def _first_that_scales(
    names: Iterable[str], game: str, fleets: Mapping[FleetName, FleetSeen]
) -> str | None:
    found = (fleets[FleetName(name)] for name in names if FleetName(name) in fleets)
    scaling = (
        f.name
        for f in found
        if f.game == game
        and not f.deleting
        and f.autoscale is not None
        and f.autoscale.players_per_match
    )
    return next(scaling, None)
