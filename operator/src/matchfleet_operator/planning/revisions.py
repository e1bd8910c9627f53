"""What a Fleet's servers were made from, lately: which revisions are kept, and in which order.

A revision is known by the hash of its content, so a Fleet that goes back to what it was has the
revision it had. ControllerRevisions hold the content, because a server of an older revision can be
made only as long as somebody knows it; the Fleet's status holds what became of each.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence

from matchfleet_operator.planning import actions, crash_budget
from matchfleet_operator.planning.evidence import Evidence
from matchfleet_operator.planning.seen import FleetSeen, PodSeen, RevisionSeen, RevisionStatus

KEPT = 3
"""Revisions kept with their content."""
TOLD_MOST = 8
"""Revisions told of in a Fleet's status; the schema allows no more."""
_MARK_CHARS = 8

Entries = Mapping[str, RevisionStatus]


def kept_of(fleet: FleetSeen, seen: Iterable[RevisionSeen]) -> dict[str, RevisionSeen]:
    """The kept revisions of this incarnation of a Fleet, by their hash."""
    return {r.revision: r for r in seen if r.fleet_uid == fleet.uid}


def make(fleet: FleetSeen, kept: RevisionSeen) -> FleetSeen:
    """The Fleet as it was when this revision was wanted, as far as its servers are concerned."""
    return dataclasses.replace(fleet, revision=kept.revision, **kept.made)


def entries(
    fleet: FleetSeen,
    kept: Mapping[str, RevisionSeen],
    ready: Iterable[PodSeen],
    evidence: Sequence[Evidence],
    *,
    now: datetime.datetime,
) -> dict[str, RevisionStatus]:
    """What is known of each revision now; `ready` are servers that are, or were, Ready."""
    told = {r.revision: r for r in fleet.status.revisions}
    for revision, record in kept.items():
        told.setdefault(revision, RevisionStatus(revision=revision, number=record.number))
    told[fleet.revision] = _wanted(fleet, told, kept.get(fleet.revision), now=now)
    working = {p.revision for p in ready}
    return {
        revision: _judged(fleet, entry, working, evidence, now=now)
        for revision, entry in told.items()
    }


def _wanted(
    fleet: FleetSeen, told: Entries, record: RevisionSeen | None, *, now: datetime.datetime
) -> RevisionStatus:
    """The entry of the revision that the spec asks for: always the newest.

    What becomes wanted again starts anew, whatever it was given up for; what has proven itself
    has done so for good.
    """
    before = {r.revision: r for r in fleet.status.revisions}.get(fleet.revision)
    numbers = [r.number for r in told.values()]
    newest = max([*numbers, record.number if record is not None else 0], default=0)
    if before is not None and before.number == newest:
        return before
    number = newest if record is not None and record.number == newest else newest + 1
    if before is not None and before.proven is not None:
        return dataclasses.replace(before, number=number, since=now, failed="", crashes=())
    return RevisionStatus(revision=fleet.revision, number=number, since=now)


def _judged(
    fleet: FleetSeen,
    entry: RevisionStatus,
    working: set[str],
    evidence: Sequence[Evidence],
    *,
    now: datetime.datetime,
) -> RevisionStatus:
    # Kubelets tell the time to the second.
    since = entry.since.replace(microsecond=0) if entry.since is not None else None
    mine = sorted(
        (e for e in evidence if e.revision == entry.revision and (since is None or e.at >= since)),
        key=lambda e: (e.at, e.uid),
    )
    crashes = crash_budget.merged(
        entry.crashes, (e.at for e in mine if e.crashed), fleet.crash_budget, now=now
    )
    entry = _played(fleet, dataclasses.replace(entry, crashes=crashes), mine, now=now)
    is_working = entry.revision in working or entry.played > 0
    if entry.ready is None and is_working:
        entry = dataclasses.replace(entry, ready=now)
    return entry


def _played(
    fleet: FleetSeen, entry: RevisionStatus, mine: Sequence[Evidence], *, now: datetime.datetime
) -> RevisionStatus:
    """Counts the matches that ended, each once, until they are enough to prove a revision."""
    strategy = fleet.strategy
    for found in mine:
        mark = found.uid[-_MARK_CHARS:]
        if found.crashed or entry.proven is not None or entry.failed or mark in entry.tally:
            continue
        late = entry.late + found.is_late(strategy.late_tick_percent)
        played = entry.played + 1
        is_proven = played - late >= strategy.canary_matches
        entry = dataclasses.replace(
            entry,
            played=played,
            late=late,
            tally=() if is_proven else (*entry.tally, mark),
            proven=now if is_proven else None,
        )
    return entry


def records(
    fleet: FleetSeen,
    seen: Sequence[RevisionSeen],
    known: Entries,
    fallback: str,
) -> tuple[actions.PutRevision | actions.DeleteRevision, ...]:
    """Keeps the wanted revision, the one to return to, and the newest of the others."""
    kept = kept_of(fleet, seen)
    steps: list[actions.PutRevision | actions.DeleteRevision] = []
    mine, number = kept.get(fleet.revision), known[fleet.revision].number
    is_taken = any(r.fleet_uid != fleet.uid and r.revision == fleet.revision for r in seen)
    # One of a Fleet of that name before this one has its name; it goes first.
    if (mine is None and not is_taken) or (mine is not None and mine.number != number):
        steps.append(actions.PutRevision(fleet=fleet, number=number, seen=mine))
    needed = {fleet.revision, fallback}
    others = sorted((r for r in kept.values() if r.revision not in needed), key=lambda r: -r.number)
    spare = KEPT - len(needed - {""})
    strangers = [r for r in seen if r.fleet_uid != fleet.uid]
    steps += [actions.DeleteRevision(revision=r) for r in (*others[spare:], *strangers)]
    return tuple(steps)


def counted(
    fleet: FleetSeen,
    known: Entries,
    kept: Iterable[str],
    *,
    idle: Sequence[PodSeen],
    starting: Mapping[str, int],
    busy: Sequence[PodSeen],
) -> tuple[RevisionStatus, ...]:
    """What the status says of revisions, newest first: those kept, and those that servers are of.

    starting: how many servers of each revision start, those about to be made included.
    """
    living = {p.revision for p in (*idle, *busy)} | {r for r, count in starting.items() if count}
    named = {r: known.get(r, RevisionStatus(revision=r, number=0)) for r in living if r}
    named |= {r: e for r, e in known.items() if r in {fleet.revision, *kept}}
    newest = sorted(named.values(), key=lambda e: (-e.number, e.revision))[:TOLD_MOST]
    return tuple(
        dataclasses.replace(
            entry,
            idle=sum(p.revision == entry.revision for p in idle),
            starting=starting.get(entry.revision, 0),
            busy=sum(p.revision == entry.revision for p in busy),
        )
        for entry in newest
    )
