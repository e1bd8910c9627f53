"""What a server that ended says about the revision it was made from.

A match that was played to its end speaks for a revision, or, by its late ticks, against it. A
server that ended by a fault of its own is a crash, whether it played or waited. All else (it was
told to stop, its node was lost, nobody came) says nothing about what it was made from.
"""

import datetime
from dataclasses import dataclass

from matchfleet_contracts.ids import FleetName, MatchUid, PodUid
from matchfleet_contracts.resources import Reason
from matchfleet_operator.planning import ends
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import PodSeen

_FAULTS = frozenset(
    {Reason.SERVER_LOST, Reason.RESULT_INVALID, Reason.GAME_FAILED, Reason.TICK_STALLED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One ended server; ticks and late_ticks are those of its result, 0 without one.

    crashed: it ended by a fault of its own; else it played a match to its end.
    """

    uid: PodUid
    fleet: FleetName
    revision: str
    at: datetime.datetime
    crashed: bool
    ticks: int = 0
    late_ticks: int = 0

    def is_late(self, percent: int) -> bool:
        """Whether at least that share of its ticks was late."""
        return self.ticks > 0 and self.late_ticks * 100 >= self.ticks * percent


def of(pod: PodSeen) -> Evidence | None:
    """What this server says; None as long as it says nothing."""
    ended = pod.terminated
    if ended is None or ended.at is None:
        return None
    uid = pod.claim.match_uid if pod.claim is not None else MatchUid("")
    end = ends.of_server(pod, match_uid=uid, now=ended.at)
    is_fault = end.reason in _FAULTS and not _was_told_to_stop(pod, ended.at)
    if not end.is_completed and not is_fault:
        return None
    result = end.result if end.is_completed else None
    return Evidence(
        uid=pod.uid,
        fleet=pod.fleet,
        revision=pod.revision,
        at=ended.at,
        crashed=is_fault,
        ticks=result.ticks if result is not None else 0,
        late_ticks=result.late_ticks if result is not None else 0,
    )


def _was_told_to_stop(pod: PodSeen, ended_at: datetime.datetime) -> bool:
    """Whether its end may be the answer to its deletion."""
    if pod.deletion_due is None:
        return False
    return ended_at >= pod.deletion_due - seconds(pod.deletion_grace_s)
