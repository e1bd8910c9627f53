"""A match becomes Ready, once: its row, its tickets and the news in one guarded transaction.

Whoever learns of it first (the watch, or the operator's event) writes it; everybody else finds
that there is nothing left to do.
"""

import datetime
from dataclasses import dataclass

import structlog

from matchfleet_adapters.postgres import matches, outbox, pool, tickets
from matchfleet_contracts import events
from matchfleet_contracts.ids import EventId, MatchId, MatchUid, PodUid

log = structlog.get_logger(__name__)
SOURCE = "/api"


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a match is played."""

    match: MatchId
    uid: MatchUid
    pod_uid: PodUid
    url: str


async def mark(database: pool.Database, ready: Ready, *, at: datetime.datetime) -> bool:
    """Whether this call made the match ready.

    Raises:
        matchfleet_adapters.errors.Unavailable: PostgreSQL does not answer.
    """

    async def work(connection: pool.Connection) -> bool:
        is_first = await matches.mark_ready(
            connection, ready.match, uid=ready.uid, pod_uid=ready.pod_uid, url=ready.url, at=at
        )
        if not is_first:
            return False
        owned = await tickets.mark_matched(connection, ready.match)
        await outbox.insert(connection, [_matched(t, ready.match, at) for t in owned])
        return True

    is_first = await database.transaction(work)
    if is_first:
        log.info("match_ready", match=ready.match, url=ready.url)
    return is_first


def _matched(ticket: tickets.Owned, match: MatchId, at: datetime.datetime) -> events.Event:
    waited_s = round((at - ticket.queued_at).total_seconds(), 3)
    return events.event(
        events.TicketMatched(
            ticket=ticket.id, player=ticket.player_id, match=match, waited_s=waited_s
        ),
        event_id=EventId(f"{ticket.id}/{match}/matched"),
        source=SOURCE,
        at=at,
        subject=ticket.id,
    )
