"""Decides which revision of a Fleet new servers are made of, and when a new one is given up.

    Alone      there is no older revision to return to: all servers are of the wanted one
    Starting   one server of the new revision has to become Ready; the older one supplies as before
    Canary     the new revision gets its share of the idle servers until enough of its matches
               ended well
    Full       all idle servers are of the new revision; until it is proven it may be given up
    GivenUp    it crashed, did not start in time or ticked late: all servers are of the older one,
               until the spec says something else

Only idle servers are ever replaced. A busy one finishes its match, whatever it is made from.
"""

import datetime
import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matchfleet_operator.planning import actions, crash_budget, revisions
from matchfleet_operator.planning.revisions import Entries
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import FleetSeen, PodSeen, RevisionSeen, RevisionStatus
from matchfleet_operator.planning.servers import Servers, Surroundings

CRASH_BUDGET_SPENT = "CrashBudgetSpent"
DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
LATE_TICKS = "LateTicks"
FAULTS = frozenset({CRASH_BUDGET_SPENT, DEADLINE_EXCEEDED, LATE_TICKS})


class Stage(enum.StrEnum):
    """How far the wanted revision has come."""

    ALONE = "Alone"
    STARTING = "Starting"
    CANARY = "Canary"
    FULL = "Full"
    GIVEN_UP = "GivenUp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where a Fleet's revisions stand, and which its new servers are of.

    Attributes:
        wanted: the Fleet as its spec says.
        fallback: the Fleet as it was before, None if nothing older can be returned to.
        known: what is known of each revision.
        frozen: revisions that get no more servers for now, because they crash.
        fault: why the wanted revision is not well, in one word; empty if it is.
        records: what to do about the ControllerRevisions.
    """

    wanted: FleetSeen
    fallback: FleetSeen | None
    stage: Stage
    known: Entries
    frozen: frozenset[str] = frozenset()
    fault: str = ""
    records: tuple[actions.PutRevision | actions.DeleteRevision, ...] = ()
    kept: frozenset[str] = frozenset()
    wake_at: datetime.datetime | None = None

    @property
    def entry(self) -> RevisionStatus:
        """What is known of the wanted revision."""
        return self.known[self.wanted.revision]

    @property
    def target(self) -> FleetSeen:
        """What new servers are made of in the end."""
        is_back = self.stage is Stage.GIVEN_UP and self.fallback is not None
        return self.fallback if is_back and self.fallback is not None else self.wanted

    @property
    def makes(self) -> Mapping[str, FleetSeen]:
        """What servers are made of now, by revision, in the order in which they are made."""
        if self.fallback is None or self.stage in {Stage.ALONE, Stage.FULL}:
            return {self.wanted.revision: self.wanted}
        if self.stage is Stage.GIVEN_UP:
            return {self.fallback.revision: self.fallback}
        both = (self.wanted, self.fallback)
        return {made.revision: made for made in both}

    def shares(self, wanted: int, capacity: int) -> dict[str, int]:
        """How many idle servers there should be of each revision of `makes`.

        capacity: how many servers may wait or start, within the Fleet's max.
        """
        total = max(0, min(wanted, capacity))
        fallback = self.fallback.revision if self.fallback is not None else ""
        new = self.wanted.revision
        match self.stage:
            case Stage.ALONE | Stage.FULL:
                return {new: total}
            case Stage.GIVEN_UP:
                return {fallback: total}
            case Stage.STARTING:
                one = min(1, total)
                return {new: one, fallback: min(total, capacity - one)}
            case Stage.CANARY:
                percent = self.wanted.strategy.canary_percent
                share = min(total, max(1, math.ceil(total * percent / 100)))
                return {new: share, fallback: total - share}

    def rank(self, pod: PodSeen) -> int:
        """In which order idle servers are claimed: first those that are to be made again."""
        return 0 if pod.revision in self.makes else 1


def plan(
    fleet: FleetSeen, found: Servers, around: Surroundings, *, now: datetime.datetime
) -> Course:
    """Where the Fleet's revisions stand."""
    seen: Sequence[RevisionSeen] = around.revisions
    kept = revisions.kept_of(fleet, seen)
    ready = (*found.idle, *found.busy)
    known = revisions.entries(fleet, kept, ready, around.evidence, now=now)
    budget = fleet.crash_budget
    frozen = frozenset(
        r for r, e in known.items() if crash_budget.is_spent(e.crashes, budget, now=now)
    )
    for revision in frozen - {fleet.revision}:
        if known[revision].proven is None:
            known[revision] = _failed(known[revision], CRASH_BUDGET_SPENT)
    back = _fallback(fleet, kept, known)
    entry = known[fleet.revision]
    fault = _fault(fleet, entry, now=now)
    if fault and not entry.failed and back and fleet.strategy.auto_rollback:
        entry = known[fleet.revision] = _failed(entry, fault)
    stage = _stage(fleet, entry, has_fallback=bool(back))
    records = revisions.records(fleet, seen, known, back)
    dropped = {s.revision.revision for s in records if isinstance(s, actions.DeleteRevision)}
    return Course(
        wanted=fleet,
        fallback=revisions.make(fleet, kept[back]) if back else None,
        stage=stage,
        known=known,
        frozen=frozen,
        fault=entry.failed if stage is Stage.GIVEN_UP else fault,
        records=records,
        kept=frozenset(kept) - dropped,
        wake_at=actions.wait(
            _deadline(fleet, entry) if stage is not Stage.GIVEN_UP and not fault else None,
            *(crash_budget.recovers_at(known[r].crashes, budget) for r in frozen),
        ).wake_at,
    )


def _fallback(fleet: FleetSeen, kept: Mapping[str, RevisionSeen], known: Entries) -> str:
    """The revision to return to: the newest before the wanted one that worked and did not fail."""
    if known[fleet.revision].proven is not None:
        return ""
    others = [known[r] for r in kept if r != fleet.revision]
    worked = [e for e in others if not e.failed and e.ready is not None]
    best = max(worked, key=lambda e: e.number, default=None)
    return best.revision if best is not None else ""


def _failed(entry: RevisionStatus, fault: str) -> RevisionStatus:
    return replace(entry, failed=fault, tally=(), starting_since=None)


def _stage(fleet: FleetSeen, entry: RevisionStatus, *, has_fallback: bool) -> Stage:
    if not has_fallback:
        return Stage.ALONE
    if entry.failed and fleet.strategy.auto_rollback:
        return Stage.GIVEN_UP
    if entry.ready is None:
        return Stage.STARTING
    return Stage.CANARY if fleet.strategy.canary_percent < 100 else Stage.FULL


def _fault(fleet: FleetSeen, entry: RevisionStatus, *, now: datetime.datetime) -> str:
    deadline = _deadline(fleet, entry)
    if crash_budget.is_spent(entry.crashes, fleet.crash_budget, now=now):
        return CRASH_BUDGET_SPENT
    if deadline is not None and now >= deadline:
        return DEADLINE_EXCEEDED
    if entry.proven is None and entry.played >= fleet.strategy.canary_matches:
        return LATE_TICKS if 2 * entry.late > entry.played else ""
    return ""


def _deadline(fleet: FleetSeen, entry: RevisionStatus) -> datetime.datetime | None:
    """When the revision must have had a server Ready; None while the clock does not run."""
    if entry.ready is not None or entry.starting_since is None:
        return None
    return entry.starting_since + seconds(fleet.strategy.progress_deadline_s)


def crash_words(course: Course) -> str:
    """What happened when a crash budget is spent, for a person."""
    return crash_budget.told(course.wanted.crash_budget)


def why(course: Course) -> str:
    """What is wrong with the wanted revision, for a person; empty if nothing is."""
    fleet, entry = course.wanted, course.entry
    match course.fault:
        case "":
            return ""
        case "CrashBudgetSpent":
            return crash_words(course)
        case "ProgressDeadlineExceeded":
            limit_s = fleet.strategy.progress_deadline_s
            return f"none of its servers became ready within {limit_s} s"
        case _:
            percent = fleet.strategy.late_tick_percent
            return (
                f"{entry.late} of its {entry.played} matches had {percent} % or more of their "
                "ticks late"
            )
