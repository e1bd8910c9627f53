"""What this process remembers that no object holds. Losing it costs a second try, never a match.

Facts about incarnations (a claim that was refused, an end that was told) are dropped with them.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field

from matchfleet_contracts.ids import FleetName, MatchUid, PodName, PodUid
from matchfleet_operator.planning.demand import Report
from matchfleet_operator.planning.plan_match import Attempt
from matchfleet_operator.planning.servers import Refusal


def _always() -> bool:
    return True


@dataclass(slots=True)
class Memory:
    """Facts by incarnation; see `plan_match.Around` and `servers.Surroundings` for their use.

    leads: whether this process may act now, by its Lease; one that has no rivals always may.
    """

    settled: set[PodUid] = field(default_factory=set)
    unfit: set[PodUid] = field(default_factory=set)
    looked_at: dict[PodUid, datetime.datetime] = field(default_factory=dict)
    attempts: dict[MatchUid, tuple[PodUid, Attempt]] = field(default_factory=dict)
    ready_told: dict[MatchUid, PodUid] = field(default_factory=dict)
    end_told: set[MatchUid] = field(default_factory=set)
    uncertain: dict[FleetName, set[PodName]] = field(default_factory=dict)
    refusals: dict[FleetName, Refusal] = field(default_factory=dict)
    status_written_at: dict[FleetName, datetime.datetime] = field(default_factory=dict)
    depths: dict[str, Report] = field(default_factory=dict)
    """What the matchmaker said last of each queue, by `game/mode`."""
    first_seen_at: dict[MatchUid, datetime.datetime] = field(default_factory=dict)
    namespace_ending: bool = False
    closing: bool = False
    leads: Callable[[], bool] = _always

    @property
    def leading(self) -> bool:
        """Whether anything may be done at all.

        In a namespace that is being deleted, Lease included, all that is done is to let go, which
        any number of processes may do at once.
        """
        return self.namespace_ending or self.leads()

    def forget_own_acts(self) -> None:
        """Another process may have acted since; what we were told by others stays."""
        for facts in (self.settled, self.unfit, self.end_told):
            facts.clear()
        for facts_by in (self.looked_at, self.attempts, self.ready_told, self.uncertain):
            facts_by.clear()
        self.refusals.clear()
        self.status_written_at.clear()

    def forget_match(self, uid: MatchUid) -> None:
        """A Match is gone and nothing is left to do about it."""
        self.end_told.discard(uid)
        self.first_seen_at.pop(uid, None)
        self.attempts.pop(uid, None)
        self.ready_told.pop(uid, None)

    def forget_pod(self, uid: PodUid) -> None:
        """A pod is gone."""
        self.settled.discard(uid)
        self.unfit.discard(uid)
        self.looked_at.pop(uid, None)
