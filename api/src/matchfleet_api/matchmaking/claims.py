"""From proposals to matches in PostgreSQL: claim, match, seats and outbox in one transaction.

The tickets are locked first, so a proposal of which one ticket has left is dropped whole. Two
unique indexes stand behind that: one open ticket and one live seat a player. Should an index refuse
a batch, its proposals are tried one by one and only the one at fault is dropped.
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from matchfleet_adapters.postgres import matches, outbox, pool, tickets
from matchfleet_api.matchmaking import pairing, queues, specs
from matchfleet_contracts import events, resources
from matchfleet_contracts.ids import EventId, MatchId, TicketId

SOURCE = "/matchmaker"


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal with everything that makes it a match."""

    proposal: pairing.Proposal
    match: matches.NewMatch
    created: events.Event

    @property
    def tickets(self) -> list[TicketId]:
        """The tickets it needs."""
        return [c.ticket for c in self.proposal.candidates]


@dataclass(slots=True)
class Claims:
    """What became of a batch.

    Attributes:
        made: drafts that are matches now.
        gone: tickets that are no longer queued, or whose player plays.
        refused: tickets of drafts that an index refused.
    """

    made: list[Draft] = field(default_factory=list)
    gone: set[TicketId] = field(default_factory=set)
    refused: set[TicketId] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Drafter:
    """What it takes to turn proposals of a queue into drafts."""

    queue: queues.Queue
    new_id: Callable[[], str]
    new_seed: Callable[[], int]

    def draft(self, proposal: pairing.Proposal, now: datetime.datetime) -> Draft:
        """The match that a proposal would be."""
        spec = specs.match_spec(proposal, self.queue, seed=self.new_seed(), now=now)
        match = MatchId(self.new_id())
        new = matches.NewMatch(
            id=match,
            game=self.queue.game,
            mode=self.queue.mode,
            region=proposal.region,
            ranked=proposal.ranked,
            spec=spec,
            spec_digest=resources.spec_digest(spec),
            not_after=specs.not_after(self.queue, now),
            seats=tuple(_seat(place, self.queue) for place in proposal.places),
        )
        return Draft(proposal, new, _created(new, now))


async def claim(
    database: pool.Database, drafts: Sequence[Draft], *, now: datetime.datetime
) -> Claims:
    """Make matches of the drafts whose tickets are all still there.

    Raises:
        matchfleet_adapters.errors.Unavailable: PostgreSQL does not answer; nothing was claimed,
            or all was and the next read shows it.
    """
    try:
        return await _in_transaction(database, drafts, now)
    except asyncpg.UniqueViolationError:
        claims = Claims()
        for draft in drafts:
            await _claim_alone(database, draft, now, claims)
        return claims


async def _claim_alone(
    database: pool.Database, draft: Draft, now: datetime.datetime, claims: Claims
) -> None:
    try:
        one = await _in_transaction(database, [draft], now)
    except asyncpg.UniqueViolationError:
        claims.refused.update(draft.tickets)
    else:
        claims.made.extend(one.made)
        claims.gone |= one.gone


async def _in_transaction(
    database: pool.Database, drafts: Sequence[Draft], now: datetime.datetime
) -> Claims:
    async def work(connection: pool.Connection) -> Claims:
        wanted = [ticket for draft in drafts for ticket in draft.tickets]
        locked = await tickets.lock_claimable(connection, wanted, now=now)
        made = [draft for draft in drafts if locked.issuperset(draft.tickets)]
        if made:
            await matches.insert(connection, [d.match for d in made], requested_at=now)
            await tickets.propose(connection, [(t, d.match.id) for d in made for t in d.tickets])
            await matches.insert_seats(connection, [d.match for d in made])
            await outbox.insert(connection, [d.created for d in made])
        return Claims(made=made, gone=set(wanted) - locked)

    return await database.transaction(work)


def _seat(place: pairing.Place, queue: queues.Queue) -> matches.NewSeat:
    if place.candidate is None:
        return matches.NewSeat(seat=place.seat, team=place.team, bot=queue.bot or "rules")
    return matches.NewSeat(
        seat=place.seat,
        team=place.team,
        player_id=place.candidate.player,
        ticket_id=place.candidate.ticket,
    )


def _created(match: matches.NewMatch, now: datetime.datetime) -> events.Event:
    return events.event(
        events.MatchCreated(
            match=match.id,
            game=match.game,
            mode=match.mode,
            region=match.region,
            players=[s.player_id for s in match.seats if s.player_id is not None],
        ),
        event_id=EventId(f"{match.id}/created"),
        source=SOURCE,
        at=now,
        subject=match.id,
    )
