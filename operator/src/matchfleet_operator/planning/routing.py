"""Which of its Fleets a waiting Match turns to: in the order it names them, the first with an idle
server; if there is none, the first that may still start one; else the first there is.

Each Match turns to one Fleet at a time, so that one waiting Match starts one server.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from matchfleet_contracts.ids import FleetName
from matchfleet_operator.planning.seen import MatchSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a Fleet has to offer: idle servers, and whether more can be started."""

    game: str
    idle: int
    can_grow: bool


def by_fleet(
    waiting: Iterable[MatchSeen], rooms: Mapping[FleetName, Room]
) -> dict[FleetName, list[MatchSeen]]:
    """The waiting Matches of each Fleet, oldest first."""
    routed: dict[FleetName, list[MatchSeen]] = {name: [] for name in rooms}
    for match in sorted(waiting, key=lambda m: (m.created, m.name)):
        fleet = _turn(match, rooms, routed)
        if fleet is not None:
            routed[fleet].append(match)
    return routed


def _turn(
    match: MatchSeen,
    rooms: Mapping[FleetName, Room],
    routed: Mapping[FleetName, list[MatchSeen]],
) -> FleetName | None:
    named = [
        name
        for name in map(FleetName, match.spec.fleets)
        if name in rooms and rooms[name].game == match.spec.game
    ]
    idle = (name for name in named if len(routed[name]) < rooms[name].idle)
    growing = (name for name in named if rooms[name].can_grow)
    return next(idle, None) or next(growing, None) or next(iter(named), None)
