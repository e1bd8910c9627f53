"""The statuses a Match goes through, each made from the one before it.

    Pending --chosen--> Assigned --ready--> Ready --ended--> Completed | Failed | Cancelled
       ^                   |                              (Pending and Assigned may end, too)
       +----taken_away-----+

`published` marks an end that the broker confirmed; a completed match is marked as it is recorded,
for its end is published before.
"""

import dataclasses
import datetime

from matchfleet_contracts.resources import Phase, Server
from matchfleet_operator.planning import conditions, ends, exposure
from matchfleet_operator.planning.conditions import Said
from matchfleet_operator.planning.seen import MatchSeen, MatchStatus, PodSeen

ASSIGNED = "Assigned"
READY = "Ready"
RESULT_PUBLISHED = "ResultPublished"


def players_text(humans: int, bots: int) -> str:
    """For people: `2 humans`, `1 human, 1 bot`, or nothing for an empty roster."""
    parts = [
        f"{count} {word}" if count == 1 else f"{count} {word}s"
        for count, word in ((humans, "human"), (bots, "bot"))
        if count
    ]
    return ", ".join(parts)


def chosen(match: MatchSeen, pod: PodSeen, *, now: datetime.datetime) -> MatchStatus:
    """A server was chosen."""
    claim = ends.claim_of(match)
    return dataclasses.replace(
        match.status,
        phase=Phase.ASSIGNED,
        players=players_text(claim.humans, claim.bots),
        server=Server(pod=pod.name, pod_uid=pod.uid, node=pod.node, revision=pod.revision),
        times=dataclasses.replace(match.status.times, assigned=now),
        conditions=conditions.merged(
            match.status.conditions,
            Said(ASSIGNED, status=True, reason="ServerChosen", message=pod.name),
            now=now,
        ),
        observed_generation=match.generation,
    )


def taken_away(match: MatchSeen, why: str, *, now: datetime.datetime) -> MatchStatus:
    """The server that was chosen will not do; the Match waits again."""
    return dataclasses.replace(
        match.status,
        phase=Phase.PENDING,
        server=None,
        conditions=conditions.merged(
            match.status.conditions,
            Said(ASSIGNED, status=False, reason="ServerUnfit", message=why),
            now=now,
        ),
        observed_generation=match.generation,
    )


def ready(
    match: MatchSeen, pod: PodSeen, *, node_address: str, now: datetime.datetime
) -> MatchStatus:
    """The server agreed; players may join."""
    found = exposure.endpoint(pod, node_address)
    return dataclasses.replace(
        match.status,
        phase=Phase.READY,
        server=Server(
            pod=pod.name,
            pod_uid=pod.uid,
            node=pod.node,
            revision=pod.revision,
            address=found.address,
            port=found.port,
            url=found.url,
            ports=found.ports,
        ),
        times=dataclasses.replace(match.status.times, ready=now),
        conditions=conditions.merged(
            match.status.conditions,
            Said(READY, status=True, reason="ServerReady"),
            now=now,
        ),
        observed_generation=match.generation,
    )


def ended(match: MatchSeen, end: ends.End, *, now: datetime.datetime) -> MatchStatus:
    """The match is over. A completed one counts as published: it was, before."""
    reason = end.phase.value if end.is_completed else str(end.reason or end.phase.value)
    claim = ends.claim_of(match)
    return dataclasses.replace(
        match.status,
        phase=end.phase,
        players=players_text(claim.humans, claim.bots),
        times=dataclasses.replace(match.status.times, ended=end.at),
        result=end.result,
        reason="" if end.is_completed else reason,
        message="" if end.is_completed else conditions.shortened(end.message),
        conditions=conditions.merged(
            match.status.conditions,
            Said(READY, status=False, reason=reason, message=end.message),
            Said(
                RESULT_PUBLISHED,
                status=end.is_completed,
                reason="Published" if end.is_completed else "Publishing",
            ),
            now=now,
        ),
        observed_generation=match.generation,
    )


def published(match: MatchSeen, *, now: datetime.datetime) -> MatchStatus:
    """The broker confirmed the match's end."""
    return dataclasses.replace(
        match.status,
        conditions=conditions.merged(
            match.status.conditions,
            Said(RESULT_PUBLISHED, status=True, reason="Published"),
            now=now,
        ),
    )


def is_published(match: MatchSeen) -> bool:
    """Whether the broker confirmed the match's end."""
    return conditions.is_true(match.status.conditions, RESULT_PUBLISHED)
