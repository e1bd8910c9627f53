"""The limits the planners decide by. Each is a setting; the defaults stand in `settings`."""

import datetime
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long is too long, and how many are too many at once.

    Attributes:
        ack_s: a server that has not agreed to its assignment after this loses the match.
        retry_ack_s: between two tries to get an answer out of it.
        backstop_s: after a match's join, length and drain are over, until the operator ends it.
        kill_grace_s: given to a server whose match is cancelled or overdue.
        settle_s: after a pod is said to have ended, until its container must have said how.
        lost_s: past the moment a pod should have stopped, until it counts as lost with its node;
            one third of it when the node is known to be broken, four times when it works.
        creates: servers created by one pass over a Fleet.
        deletes: idle servers deleted by one pass over a Fleet.
        start_s: a server that is not ready after this is in trouble.
        retry_start_s, retry_start_most_s: a server in trouble is replaced after this, doubled with
            each that failed before it, up to the bound.
        status_period_s: between two writes of a Fleet's status.
        depth_stale_s: a queue's depth that was not said again for this long is not known any more.
        events_all: leave Kubernetes Events for what went well, too.
    """

    ack_s: float = 5.0
    retry_ack_s: float = 0.2
    backstop_s: int = 30
    kill_grace_s: int = 2
    settle_s: float = 3.0
    lost_s: float = 15.0
    creates: int = 8
    deletes: int = 8
    start_s: float = 120.0
    retry_start_s: float = 10.0
    retry_start_most_s: float = 300.0
    status_period_s: float = 1.0
    depth_stale_s: float = 30.0
    events_all: bool = True


def seconds(amount: float) -> datetime.timedelta:
    """So many seconds."""
    return datetime.timedelta(seconds=amount)
