"""Which plans there are: every write of a Match's life meets every fault, every other story's own
writes meet those that lose something, every list and watch meets what can befall it.
"""

from collections.abc import Iterable, Iterator

from chaos import faults, stories
from chaos.faults import Fault, Plan

LOSING = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.CRASH_UNHEARD, Fault.REPLY_LOST)
REFUSING = (Fault.CONFLICT, Fault.THROTTLED, Fault.BROKEN, Fault.FORBIDDEN)
OF_WRITES = (*LOSING, *REFUSING, Fault.REPLY_LATE, Fault.RESET, Fault.STALL)
OF_LISTS = (
    Fault.RESET,
    Fault.STALL,
    Fault.EXPIRED,
    Fault.THROTTLED,
    Fault.BROKEN,
    Fault.FORBIDDEN,
    Fault.TWICE,
    Fault.STALE,
)
OF_WATCHES = (
    Fault.RESET,
    Fault.STALL,
    Fault.EXPIRED,
    Fault.THROTTLED,
    Fault.BROKEN,
    Fault.FORBIDDEN,
    Fault.TWICE,
    Fault.LATE,
)

# A story, points of it, and what befalls each of them.
_TABLE: tuple[tuple[str, str, tuple[Fault, ...]], ...] = (
    ("cold", "create-pods-1 patch-matches-1 patch-matches-2 patch-matches-3", OF_WRITES),
    ("cold", "patch-pods-1 patch-pods-2 delete-pods-1", OF_WRITES),
    ("warm", "create-pods-1 create-pods-2 patch-matches-1 patch-matches-2", OF_WRITES),
    ("warm", "patch-matches-3 patch-pods-1 patch-pods-2 delete-pods-1 patch-fleets-1", OF_WRITES),
    ("ttl", "delete-matches-1", OF_WRITES),
    ("decline", "patch-matches-2 patch-matches-3 patch-pods-2", (*LOSING, Fault.CONFLICT)),
    ("decline", "delete-pods-1", (*LOSING, Fault.CONFLICT)),
    ("cancel", "patch-matches-3 patch-matches-4 patch-pods-2 delete-pods-1", LOSING),
    ("lost", "patch-matches-3 patch-matches-4 patch-pods-2 delete-pods-1", LOSING),
    ("evicted", "patch-matches-3 patch-matches-4 patch-pods-2", LOSING),
    ("deleted", "patch-pods-2", (*LOSING, *REFUSING)),
    ("scale", "delete-pods-1 delete-pods-2", (*LOSING, Fault.CONFLICT)),
    ("burst", "create-pods-3 patch-matches-2 patch-matches-5 patch-pods-3", LOSING),
    ("gone", "patch-matches-3 patch-matches-4 delete-pods-1", LOSING),
    ("switch", "patch-matches-1 patch-pods-1 patch-matches-2 patch-matches-3", LOSING),
    ("switch", "patch-matches-4 patch-pods-2 delete-pods-1", LOSING),
    ("rollout", "create-controllerrevisions-2 create-pods-4", LOSING),
    ("rollout", "delete-pods-1 delete-pods-2 patch-pods-2", LOSING),
    ("rollout", "audit-pods@ready audit-fleets@replaced", (Fault.CRASH_STALE, Fault.STALE)),
    ("rollout", "watch-fleets@ready watch-pods@ready", (Fault.STALL, Fault.EXPIRED, Fault.LATE)),
    ("warm", "audit-matches@ready audit-pods@ready audit-fleets@ready", OF_LISTS),
    ("warm", "list-matches@idle list-pods@ready list-fleets@ready", OF_LISTS),
    ("warm", "watch-matches@idle watch-pods@idle watch-pods@ready", OF_WATCHES),
    ("warm", "watch-matches@ready", (Fault.STALL, Fault.EXPIRED, Fault.BROKEN, Fault.LATE)),
    ("cold", "watch-pods@idle", OF_WATCHES),
    ("cold", "audit-pods@ready", (Fault.CRASH_STALE,)),
    ("warm", "audit-pods@ready audit-matches@ready", (Fault.CRASH_STALE,)),
    ("lost", "audit-pods@ready audit-matches@ready", (Fault.CRASH_STALE, Fault.STALE)),
    ("deleted", "audit-matches@deleted audit-pods@deleted", (Fault.CRASH_STALE, Fault.STALE)),
    ("scale", "audit-pods@scaled audit-fleets@scaled", (Fault.CRASH_STALE, Fault.STALE)),
    ("gone", "audit-fleets@deleted", (Fault.CRASH_STALE, Fault.STALE)),
    ("warm", "watch-pods@ready", (Fault.LOST_DELETED,)),
    ("evicted", "watch-pods@ready", (Fault.LOST_DELETED, Fault.EXPIRED, Fault.STALL, Fault.LATE)),
    ("scale", "watch-pods@ready", (Fault.LOST_DELETED, Fault.EXPIRED, Fault.STALL, Fault.LATE)),
    ("ttl", "watch-matches@ready", (Fault.LOST_DELETED, Fault.EXPIRED, Fault.STALL)),
    ("deleted", "watch-matches@ready", (Fault.LOST_DELETED, Fault.EXPIRED, Fault.STALL)),
    ("gone", "watch-fleets@ready", (Fault.LOST_DELETED, Fault.EXPIRED, Fault.STALL, Fault.LATE)),
)


def _of_table() -> Iterator[Plan]:
    for story, points, chosen in _TABLE:
        for point in points.split():
            for fault in chosen:
                yield faults.plan(f"{story}/{point}/{fault}")


def named(names: Iterable[str]) -> list[Plan]:
    """Plans by name."""
    return [faults.plan(name) for name in names]


SUBSET = named(
    (
        "cold/create-pods-1/reply-lost",
        "cold/patch-matches-1/crash-after",
        "cold/patch-matches-2/reply-late",
        "cold/watch-pods@idle/stall",
        "cold/delete-pods-1/429",
        "warm/quiet",
        "warm/patch-matches-3/crash-unheard",
        "warm/patch-pods-1/crash-before",
        "warm/patch-pods-1/stall",
        "warm/patch-matches-2/reset",
        "warm/patch-matches-3/403-burst",
        "warm/audit-pods@ready/twice",
        "warm/list-pods@ready/stale",
        "warm/watch-matches@idle/410",
        "warm/watch-pods@ready/500",
        "lost/audit-pods@ready/crash-stale",
        "cancel/delete-pods-1/crash-after",
        "evicted/watch-pods@ready/late",
        "decline/patch-matches-2/409",
        "decline/delete-pods-1/crash-unheard",
        "ttl/delete-matches-1/500",
        "ttl/watch-matches@ready/lost-deleted",
        "deleted/patch-pods-2/crash-before",
        "scale/delete-pods-1/409",
        "burst/patch-matches-5/crash-after",
        "gone/delete-pods-1/reply-lost",
        "switch/patch-matches-3/crash-unheard",
        "rollout/create-controllerrevisions-2/crash-unheard",
    )
)
"""Each story and each fault at least once: what every test run can afford."""
QUIET = [Plan(story) for story in stories.STORIES]
ALL = [*QUIET, *_of_table()]
