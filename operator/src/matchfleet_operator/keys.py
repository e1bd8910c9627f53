"""What is planned as one: a Match incarnation or a Fleet. No key is worked on twice at once."""

from dataclasses import dataclass

from matchfleet_contracts.ids import FleetName, MatchUid


@dataclass(frozen=True, slots=True)
class MatchKey:
    """One incarnation of a Match, and the pods claimed for it."""

    uid: MatchUid


@dataclass(frozen=True, slots=True)
class FleetKey:
    """A Fleet by name, and its pods."""

    name: FleetName


Key = MatchKey | FleetKey
