"""What becomes of servers on a node that is being emptied: cordoned, or given up by an autoscaler.

Idle ones are no supply any more: they are replaced elsewhere, the new before the old, so that a
node that is uncordoned meanwhile costs nothing. Busy ones may go on for `disruption.graceSeconds`
after the cordon; then they are told to stop, as by any deletion, and end within `drainSeconds`.
Evictions before that are refused by a PodDisruptionBudget on the `busy` label; at the end of the
grace we delete and do not evict, so that no budget holds a node for ever.

The time of the cordon stands in the node, so that no restart of ours prolongs the grace.
"""

import dataclasses
import datetime
from dataclasses import dataclass

from matchfleet_contracts.resources import Reason
from matchfleet_operator.planning import ends
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import Disruption, NodeSeen, PodSeen
from matchfleet_operator.planning.servers import Servers

# Deletions and taints are stamped in whole seconds.
_STAMP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """A node that is being emptied, and how long its matches may go on.

    why: what was done to the node, as the end of "node n1 was ...".
    """

    node: str
    why: str
    since: datetime.datetime
    grace_s: int

    @property
    def at(self) -> datetime.datetime:
        """When its busy servers are told to stop."""
        return self.since + seconds(self.grace_s)

    def is_due(self, now: datetime.datetime) -> bool:
        """Whether its busy servers are to stop."""
        return now >= self.at

    @property
    def message(self) -> str:
        """For the players and the owner of a match that it ended."""
        return (
            f"node {self.node} was {self.why} at {self.since:%H:%M:%S} UTC, and its matches "
            f"had {self.grace_s} s to end (disruption.graceSeconds of the Fleet)"
        )


def drain_of(node: NodeSeen | None, disruption: Disruption) -> Drain | None:
    """The drain that a server on this node faces; None while its node takes servers."""
    cordon = node.cordon if node is not None else None
    if node is None or cordon is None or cordon.since is None:
        return None
    return Drain(node=node.name, why=cordon.why, since=cordon.since, grace_s=disruption.grace_s)


def explained(end: ends.End, pod: PodSeen, drain: Drain | None) -> ends.End:
    """The end of a server that was drained, with what drained it.

    A server that stopped without a word is named here as well: not every game writes one. And so is
    one that was evicted on top: of a pod that is deleted already, any eviction is granted.
    """
    unheard = end.reason is Reason.SERVER_LOST and end.result is None
    if drain is None or not (end.reason in {Reason.DRAINED, Reason.EVICTED} or unheard):
        return end
    if pod.deletion_due is None:
        return end
    asked_at = pod.deletion_due - seconds(pod.deletion_grace_s)
    stamp = seconds(_STAMP_S)
    if asked_at < drain.at - stamp or end.at < asked_at - stamp:
        return end
    return dataclasses.replace(end, reason=Reason.DRAINED, message=drain.message)


def to_remove(found: Servers, *, idle: int, wanted: int, missing: int, room: int) -> list[PodSeen]:
    """Which of the stranded servers go now.

    Those that were still starting at once; idle ones as others take their place (`idle` of the
    `wanted` have so far), or when `max` leaves too little `room` for those that are `missing`.
    """
    starting = [p for p in found.stranded if not p.is_idle]
    waiting = [p for p in found.stranded if p.is_idle]
    replaced = idle + len(waiting) - wanted
    making_room = sum(p.claim is None and not p.has_ended for p in found.leaving)
    in_the_way = missing - room - making_room - len(starting)
    return [*starting, *waiting[: max(0, replaced, in_the_way)]]
