"""Decides when servers of one revision have crashed too often to make more of it.

A crash is known by its time. The same crash is seen many times, and by an operator that has just
started again: of each time there are as many crashes as were ever seen of it at once.
"""

import datetime
from collections import Counter
from collections.abc import Iterable

from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import CrashBudget

Crashes = tuple[datetime.datetime, ...]


def merged(
    known: Crashes,
    seen: Iterable[datetime.datetime],
    budget: CrashBudget,
    *,
    now: datetime.datetime,
) -> Crashes:
    """The crashes that still count, oldest first, and no more of them than decide anything."""
    counts = Counter(known) | Counter(seen)
    return recent(tuple(sorted(counts.elements())), budget, now=now)[-budget.count :]


def recent(crashes: Crashes, budget: CrashBudget, *, now: datetime.datetime) -> Crashes:
    """Those within the budget's window."""
    since = now - seconds(budget.window_s)
    return tuple(at for at in crashes if at > since)


def is_spent(crashes: Crashes, budget: CrashBudget, *, now: datetime.datetime) -> bool:
    """Whether no more servers may be made."""
    return len(recent(crashes, budget, now=now)) >= budget.count


def recovers_at(crashes: Crashes, budget: CrashBudget) -> datetime.datetime:
    """When a spent budget has room again: the crash that matters leaves the window."""
    return crashes[-budget.count] + seconds(budget.window_s)


def told(budget: CrashBudget) -> str:
    """What happened when it is spent, for a person."""
    return f"{budget.count} of its servers crashed within {budget.window_s} s"
