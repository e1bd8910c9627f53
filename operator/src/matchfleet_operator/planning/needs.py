"""How many idle servers of each revision a Fleet wants and has, before anything is done."""

import datetime
from dataclasses import dataclass

from matchfleet_operator.planning.rollout import Course
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import FleetSeen, PodSeen
from matchfleet_operator.planning.servers import Servers


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One revision's idle servers: those wanted, and those there.

    made: what servers of it are made of; None when none is made any more.
    due: servers in trouble whose time to be replaced has come; resting: those that keep their
        place until then.
    """

    made: FleetSeen | None
    share: int
    idle: tuple[PodSeen, ...]
    starting: tuple[PodSeen, ...]
    due: tuple[PodSeen, ...]
    resting: tuple[PodSeen, ...]

    @property
    def missing(self) -> int:
        """How many are to be made; negative when there are too many."""
        return self.share - len(self.idle) - len(self.starting) - len(self.resting)


def of_revisions(
    course: Course, found: Servers, wanted: int, *, now: datetime.datetime, rules: Rules
) -> list[Need]:
    """What is wanted and there of each revision; those of which none is wanted come first."""
    unclaimed = (*found.idle, *found.starting, *found.troubled)
    draining = sum(p.claim is not None and not p.has_ended for p in found.leaving)
    shares = course.shares(wanted, course.wanted.max - len(found.busy) - draining)
    makes = course.makes
    outdated = {p.revision: None for p in unclaimed if p.revision not in makes}
    return [
        _of_revision(course, found, revision, shares.get(revision, 0), now=now, rules=rules)
        for revision in (*outdated, *makes)
    ]


def _of_revision(
    course: Course,
    found: Servers,
    revision: str,
    share: int,
    *,
    now: datetime.datetime,
    rules: Rules,
) -> Need:
    made = course.makes.get(revision)
    troubled = [p for p in found.troubled if p.revision == revision]
    # Of what is not made any more nothing has to be looked at, and what crashes too often waits.
    is_over, is_frozen = made is None, revision in course.frozen
    due = [p for p in troubled if is_over or (now >= due_at(p, rules) and not is_frozen)]
    return Need(
        made=made,
        share=share,
        idle=tuple(p for p in found.idle if p.revision == revision),
        starting=tuple(p for p in found.starting if p.revision == revision),
        due=tuple(due),
        resting=tuple(p for p in troubled if p not in due),
    )


def due_at(pod: PodSeen, rules: Rules) -> datetime.datetime:
    """When a server in trouble is replaced: later each time, so that a bad template never loops."""
    pause_s = min(rules.retry_start_s * 2.0 ** min(pod.attempt, 16), rules.retry_start_most_s)
    return pod.created + seconds(pause_s)
