"""Identities, one NewType each, so that a player is never passed where a match is wanted.

Players, tickets and matches are UUIDs of version 7 in canonical text (RFC 9562): they sort by the
time of creation and need no coordination. A match's Kubernetes name is `m-<match id>`.
"""

from typing import NewType

PlayerId = NewType("PlayerId", str)
TicketId = NewType("TicketId", str)
MatchId = NewType("MatchId", str)
EventId = NewType("EventId", str)

MatchName = NewType("MatchName", str)
"""`metadata.name` of a Match resource."""
MatchUid = NewType("MatchUid", str)
"""`metadata.uid` of a Match resource: one incarnation of a name."""
FleetName = NewType("FleetName", str)
PodName = NewType("PodName", str)
PodUid = NewType("PodUid", str)
"""`metadata.uid` of a server: the incarnation whose result counts."""
Seat = NewType("Seat", int)

_PREFIX = "m-"


def match_name(match: MatchId) -> MatchName:
    """The Kubernetes name of a match that has a row in PostgreSQL."""
    return MatchName(_PREFIX + match)


def match_id(name: MatchName) -> MatchId | None:
    """The match id inside a name made by `match_name`, or None for a Match applied by hand."""
    rest = name.removeprefix(_PREFIX)
    if rest == name or len(rest) != len("00000000-0000-7000-8000-000000000000"):
        return None
    if [len(part) for part in rest.split("-")] != [8, 4, 4, 4, 12]:
        return None
    if not all(c in "0123456789abcdef-" for c in rest):
        return None
    return MatchId(rest)
