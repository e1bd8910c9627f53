"""The events that follow from a match's end. Pure; an id is a function of what happened."""

import datetime

from matchfleet_adapters.postgres import ranking
from matchfleet_contracts import events
from matchfleet_contracts.ids import EventId
from matchfleet_workers.ranking import rating

SOURCE = "/ranking"


def rating_changed(
    match: ranking.Match, change: rating.Change, *, at: datetime.datetime
) -> events.Event:
    """That a match moved a player's rating, be it by nothing."""
    return events.event(
        events.RatingChanged(
            player=change.player,
            match=match.id,
            game=match.game,
            mode=match.mode,
            before=change.before,
            after=change.after,
        ),
        event_id=EventId(f"{match.id}/{change.player}/rating"),
        source=SOURCE,
        at=at,
        subject=change.player,
    )


def ticket(
    match: ranking.Match, settled: ranking.Ticket, *, used: bool, at: datetime.datetime
) -> events.Event:
    """That a ticket was used up by its match, or waits again because the match did not come about.

    The id of the first is the one under which api says it, who usually comes first.
    """
    if used:
        waited_s = round((at - settled.queued_at).total_seconds(), 3)
        data: events.EventData = events.TicketMatched(
            ticket=settled.id, player=settled.player_id, match=match.id, waited_s=waited_s
        )
        verb = "matched"
    else:
        data = events.TicketRequeued(ticket=settled.id, player=settled.player_id, match=match.id)
        verb = "requeued"
    return events.event(
        data,
        event_id=EventId(f"{settled.id}/{match.id}/{verb}"),
        source=SOURCE,
        at=at,
        subject=settled.id,
    )
