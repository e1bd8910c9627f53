"""Tickets in PostgreSQL: opening, leaving, claiming and expiring, each guarded by the state before.

queued -> proposed (a match is being made) -> matched (it is Ready)
queued -> cancelled | expired; proposed -> queued again is written by ranking alone.
"""

import datetime
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts import events
from matchfleet_contracts.ids import MatchId, PlayerId, TicketId

_FILE = "tickets"


class TicketState(enum.StrEnum):
    """Where a ticket stands."""

    QUEUED = "queued"
    PROPOSED = "proposed"
    MATCHED = "matched"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Ticket:
    """One player's place in one queue; `rtt_ms` holds round trips by region."""

    id: TicketId
    player_id: PlayerId
    game: str
    mode: str
    rating: int
    rtt_ms: Mapping[str, int]
    state: TicketState
    match_id: MatchId | None
    avoid_region: str | None
    queued_at: datetime.datetime
    expires_at: datetime.datetime
    changed_at: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """A ticket to be opened; `first_rating` is for a player who has none in this mode."""

    id: TicketId
    player_id: PlayerId
    game: str
    mode: str
    first_rating: int
    rtt_ms: Mapping[str, int]
    queued_at: datetime.datetime
    expires_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose ticket changed, and since when it had waited."""

    id: TicketId
    player_id: PlayerId
    queued_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Settled:
    """A ticket whose match completed without being seen Ready."""

    id: TicketId
    player_id: PlayerId
    match_id: MatchId
    queued_at: datetime.datetime


async def open_ticket(
    connection: pool.Connection, ticket: NewTicket, *, opened: events.Event
) -> Ticket | None:
    """Queue a player and tell it in the same statement; None when the player is in a match.

    Raises:
        asyncpg.UniqueViolationError: the player has an open ticket.
    """
    row = await connection.fetchrow(
        queries.query(_FILE, "open"),
        ticket.id,
        ticket.player_id,
        ticket.game,
        ticket.mode,
        ticket.first_rating,
        dict(ticket.rtt_ms),
        ticket.queued_at,
        ticket.expires_at,
        opened.id,
        opened,
    )
    return None if row is None else _ticket(row)


async def get(connection: pool.Connection, ticket_id: TicketId) -> Ticket | None:
    """The ticket with this id."""
    row = await connection.fetchrow(queries.query(_FILE, "get"), ticket_id)
    return None if row is None else _ticket(row)


async def cancel(
    connection: pool.Connection,
    ticket_id: TicketId,
    *,
    player_id: PlayerId,
    cancelled: events.Event,
) -> Ticket | None:
    """Take a queued ticket of this player out and tell it; None when it is not queued."""
    row = await connection.fetchrow(
        queries.query(_FILE, "cancel"), ticket_id, player_id, cancelled.id, cancelled
    )
    return None if row is None else _ticket(row)


async def waiting(
    connection: pool.Connection, *, game: str, mode: str, since: datetime.datetime
) -> list[Ticket]:
    """Queued tickets of one queue that were opened or requeued since a time of PostgreSQL's."""
    rows = await connection.fetch(queries.query(_FILE, "waiting"), game, mode, since)
    return [_ticket(row) for row in rows]


async def lock_claimable(
    connection: pool.Connection, ticket_ids: Sequence[TicketId], *, now: datetime.datetime
) -> set[TicketId]:
    """Those that can be claimed in this transaction: still queued, nobody else's, not playing."""
    rows = await connection.fetch(queries.query(_FILE, "lock_claimable"), list(ticket_ids), now)
    return {row["id"] for row in rows}


async def propose(connection: pool.Connection, claims: Sequence[tuple[TicketId, MatchId]]) -> None:
    """Move tickets that are locked and queued to their matches."""
    status = await connection.execute(
        queries.query(_FILE, "propose"), [t for t, _ in claims], [m for _, m in claims]
    )
    if status != f"UPDATE {len(claims)}":
        raise AssertionError(f"locked tickets stay queued: {status} of {len(claims)}")


async def expire(
    connection: pool.Connection, *, now: datetime.datetime, limit: int
) -> list[tuple[TicketId, PlayerId]]:
    """Expire up to `limit` queued tickets whose time is over."""
    rows = await connection.fetch(queries.query(_FILE, "expire"), now, limit)
    return [(row["id"], row["player_id"]) for row in rows]


async def mark_matched(connection: pool.Connection, match: MatchId) -> list[Owned]:
    """Move a match's proposed tickets to matched; a second call finds none."""
    rows = await connection.fetch(queries.query(_FILE, "match"), match)
    return [Owned(**row) for row in rows]


async def settle(connection: pool.Connection) -> list[Settled]:
    """Move proposed tickets of completed matches to matched."""
    rows = await connection.fetch(queries.query(_FILE, "settle"))
    return [Settled(**row) for row in rows]


def _ticket(row: asyncpg.Record) -> Ticket:
    return Ticket(**{**row, "state": TicketState(row["state"])})
