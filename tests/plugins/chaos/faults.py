"""What may go wrong between an operator and its API server, and where.

A point is the Nth call of a kind (`patch-matches-2`: the second status patch of a Match), or the
first one after a stage of the story (`watch-pods@ready`: the stream that is open then).
"""

import enum
import re
from dataclasses import dataclass

WRITES = frozenset({"create", "patch", "delete"})


class Fault(enum.StrEnum):
    """What goes wrong.

    A write: the process dies before it is sent; after it was done and heard of; after it was done
    and before that was heard; its answer is lost; it is answered by an error and not done.
    A list: an error, items that come twice, or an older list than the one asked for, which may be
    the first list of a process that starts anew.
    A watch: it falls silent, ends, says that it lost its place (410) or that it is broken (500),
    tells everything twice, late, or not what was deleted.
    Any call: the connection is reset, or nothing comes back for longer than is waited.
    """

    CRASH_BEFORE = "crash-before"
    CRASH_AFTER = "crash-after"
    CRASH_UNHEARD = "crash-unheard"
    REPLY_LOST = "reply-lost"
    REPLY_LATE = "reply-late"
    RESET = "reset"
    STALL = "stall"
    CONFLICT = "409"
    EXPIRED = "410"
    THROTTLED = "429"
    BROKEN = "500"
    FORBIDDEN = "403-burst"
    TWICE = "twice"
    STALE = "stale"
    CRASH_STALE = "crash-stale"
    LATE = "late"
    LOST_DELETED = "lost-deleted"


STALE = frozenset({Fault.STALE, Fault.CRASH_STALE})
_POINT = re.compile(r"(?P<verb>[a-z]+)-(?P<resource>[a-z]+)(?:-(?P<number>\d+)|@(?P<stage>[a-z]+))")


@dataclass(frozen=True, slots=True)
class Point:
    """A call: the `number`th of its kind, or the first one after `stage`."""

    verb: str
    resource: str
    number: int = 0
    stage: str = ""

    @property
    def kind(self) -> str:
        """What kind of call it is."""
        return f"{self.verb}-{self.resource}"

    def __str__(self) -> str:
        return f"{self.kind}@{self.stage}" if self.stage else f"{self.kind}-{self.number}"


@dataclass(frozen=True, slots=True)
class Plan:
    """One fault at one point of one story. Without a point nothing goes wrong."""

    story: str
    point: Point | None = None
    fault: Fault | None = None

    def __str__(self) -> str:
        if self.point is None or self.fault is None:
            return f"{self.story}/quiet"
        return f"{self.story}/{self.point}/{self.fault}"


def plan(name: str) -> Plan:
    """A plan by its name.

    Raises:
        ValueError: it is not a plan's name.
    """
    story, _, rest = name.partition("/")
    if rest == "quiet":
        return Plan(story)
    at, _, fault = rest.partition("/")
    found = _POINT.fullmatch(at)
    if found is None:
        raise ValueError(f"{name!r} is no plan: it should be like warm/patch-pods-1/crash-after")
    number, stage = found["number"], found["stage"]
    return Plan(
        story, Point(found["verb"], found["resource"], int(number or 0), stage or ""), Fault(fault)
    )
