"""Tickets: joining a queue, looking at one's place, leaving."""

import datetime
from collections.abc import Callable, Mapping

import asyncpg
import structlog

from matchfleet_adapters.postgres import pool, tickets
from matchfleet_api import errors
from matchfleet_api.matchmaking import queues
from matchfleet_contracts import clock, events
from matchfleet_contracts.ids import EventId, PlayerId, TicketId

log = structlog.get_logger(__name__)
SOURCE = "/api"
FIRST_RATING = 1500


class Tickets:
    """What a player does with tickets."""

    def __init__(
        self,
        database: pool.Database,
        found: queues.Queues,
        *,
        now: clock.Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._queues = found
        self._clock = now
        self._new_id = new_id

    async def open(
        self, player: PlayerId, *, game: str, mode: str, rtt_ms: Mapping[str, int]
    ) -> tickets.Ticket:
        """Join a queue; round trips to regions that the queue does not have are left out.

        Raises:
            errors.NoSuch: no such queue, or the account is gone.
            errors.TicketOpen: the player waits already.
            errors.AlreadyPlaying: the player sits in a match.
        """
        queue = self._queues.get((game, mode))
        if queue is None:
            raise errors.NoSuch("queue")
        now = self._clock.now()
        ticket = tickets.NewTicket(
            id=TicketId(self._new_id()),
            player_id=player,
            game=game,
            mode=mode,
            first_rating=FIRST_RATING,
            rtt_ms={r: rtt_ms[r] for r in queue.regions if r in rtt_ms},
            queued_at=now,
            expires_at=now + datetime.timedelta(seconds=queue.ticket_ttl_s),
        )
        opened = _event(
            events.TicketOpened(ticket=ticket.id, player=player, game=game, mode=mode),
            f"{ticket.id}/opened",
            at=now,
        )
        try:
            async with self._database.connection() as connection:
                made = await tickets.open_ticket(connection, ticket, opened=opened)
        except asyncpg.UniqueViolationError as error:
            raise errors.TicketOpen from error
        except asyncpg.ForeignKeyViolationError as error:
            raise errors.NoSuch("player") from error
        if made is None:
            raise errors.AlreadyPlaying
        log.info("ticket_opened", ticket=made.id, player=player, queue=queue.key)
        return made

    async def get(self, ticket: TicketId, *, player: PlayerId) -> tickets.Ticket:
        """One's own ticket.

        Raises:
            errors.NoSuch: there is none, or it is somebody else's.
        """
        async with self._database.connection() as connection:
            found = await tickets.get(connection, ticket)
        if found is None or found.player_id != player:
            raise errors.NoSuch("ticket")
        return found

    async def cancel(self, ticket: TicketId, *, player: PlayerId) -> tickets.Ticket:
        """Leave the queue; a ticket that was cancelled before stays so.

        Raises:
            errors.NoSuch: there is no such ticket, or it is somebody else's.
            errors.TooLate: a match was found, or its time was over.
        """
        cancelled = _event(
            events.TicketCancelled(ticket=ticket, player=player),
            f"{ticket}/cancelled",
            at=self._clock.now(),
        )
        async with self._database.connection() as connection:
            done = await tickets.cancel(connection, ticket, player_id=player, cancelled=cancelled)
        if done is not None:
            log.info("ticket_cancelled", ticket=ticket, player=player)
            return done
        found = await self.get(ticket, player=player)
        if found.state is not tickets.TicketState.CANCELLED:
            raise errors.TooLate(found.state.value)
        return found


def _event(data: events.EventData, event_id: str, *, at: datetime.datetime) -> events.Event:
    return events.event(data, event_id=EventId(event_id), source=SOURCE, at=at)
