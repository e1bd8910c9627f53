"""The tickets of one queue in the writer's memory: a guess that every claim checks again.

New and requeued tickets are read by the time of their change, with an overlap for transactions that
committed late; a full read now and then forgets those who left.
"""

import datetime
from collections.abc import Collection, Iterable

from matchfleet_adapters.postgres import tickets
from matchfleet_api.matchmaking import pairing
from matchfleet_contracts.ids import TicketId


class Waiting:
    """Who waits, as far as the writer knows."""

    def __init__(self) -> None:
        self._candidates: dict[TicketId, pairing.Candidate] = {}
        self._expires_at: dict[TicketId, datetime.datetime] = {}
        self._held_until: dict[TicketId, datetime.datetime] = {}
        self.latest_change: datetime.datetime | None = None

    def __len__(self) -> int:
        return len(self._candidates)

    @property
    def everybody(self) -> Collection[pairing.Candidate]:
        """All who wait, those who are left alone for a while included."""
        return self._candidates.values()

    def replace(self, read: Iterable[tickets.Ticket]) -> None:
        """Know exactly these."""
        self._candidates.clear()
        self._expires_at.clear()
        self.add(read)
        self._held_until = {t: at for t, at in self._held_until.items() if t in self._candidates}

    def add(self, read: Iterable[tickets.Ticket]) -> None:
        """Know these as well."""
        for ticket in read:
            self._candidates[ticket.id] = _candidate(ticket)
            self._expires_at[ticket.id] = ticket.expires_at
            if self.latest_change is None or ticket.changed_at > self.latest_change:
                self.latest_change = ticket.changed_at

    def drop(self, gone: Iterable[TicketId]) -> None:
        """Forget tickets that were claimed or left."""
        for ticket in gone:
            self._candidates.pop(ticket, None)
            self._expires_at.pop(ticket, None)
            self._held_until.pop(ticket, None)

    def hold(self, held: Iterable[TicketId], *, until: datetime.datetime) -> None:
        """Leave tickets alone for a while."""
        self._held_until.update(dict.fromkeys(held, until))

    def candidates(self, now: datetime.datetime) -> list[pairing.Candidate]:
        """Those that may be paired now."""
        return [
            candidate
            for ticket, candidate in self._candidates.items()
            if self._expires_at[ticket] > now
            and (ticket not in self._held_until or self._held_until[ticket] <= now)
        ]


def _candidate(ticket: tickets.Ticket) -> pairing.Candidate:
    return pairing.Candidate(
        ticket=ticket.id,
        player=ticket.player_id,
        rating=ticket.rating,
        rtt_ms=ticket.rtt_ms,
        queued_at=ticket.queued_at,
        avoid_region=ticket.avoid_region,
    )
