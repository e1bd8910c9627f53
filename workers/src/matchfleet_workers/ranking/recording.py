"""Records a match's end: everything about it in one transaction, then the view, then the ack.

The transaction holds the inbox, the match, its seats and tickets, the ledger, the ratings, the
events that follow and the job that is asked for. It may run again as a whole, and its event may
come again: the match's state and the inbox let it count once. What comes after the commit (the view
in Redis) may be lost and is made again by others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import inbox, jobs, outbox, pool, ranking
from matchfleet_contracts import clock, events, ids
from matchfleet_contracts.ids import MatchId, MatchName, PlayerId
from matchfleet_contracts.results import Result
from matchfleet_workers import metrics
from matchfleet_workers.ranking import announcing, ending, ladders, rating

log = structlog.get_logger(__name__)
CONSUMER = "ranking"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was committed."""

    match: ranking.Match
    end: ending.End
    changes: tuple[rating.Change, ...]
    tickets: int
    moves: ranking.Stretch | None = None


Outcome = Recorded | ending.Ignore


class Recorder:
    """Handles the events of the ranking queue."""

    def __init__(self, database: pool.Database, view: ladders.View, *, now: clock.Clock) -> None:
        self._database = database
        self._display = ladders.Display(view, database)
        self._clock = now

    async def handle(self, event: events.Event) -> None:
        """Records one `match.ended`; returns when it is committed, or changes nothing.

        Raises:
            errors.Poison: it can never be recorded.
            errors.NotYet: it comes before its row knows the resource.
            errors.Unavailable: PostgreSQL does not answer.
        """
        ended = event.data
        if not isinstance(ended, events.MatchEnded):
            raise errors.Poison(f"{event.type} is nothing that ends a match")
        age_s = self._age_s(event)
        match_id = ids.match_id(MatchName(ended.match))
        if match_id is None:
            outcome: Outcome = ending.Ignore(ending.Ignored.FOREIGN)
        else:
            outcome = await self._database.transaction(
                lambda connection: _record(connection, event, match_id, age_s=age_s)
            )
        _tell(outcome, event, ended)
        match outcome:
            case Recorded(moves=ranking.Stretch() as moves):
                await self._display.show(
                    outcome.match.game,
                    outcome.match.mode,
                    ratings={c.player: c.after for c in outcome.changes},
                    moves=moves,
                )
            case ending.Ignore(ending.Ignored.REPEATED):
                await self._display.doubt(ended.game, ended.mode)

    def _age_s(self, event: events.Event) -> float:
        try:
            return (self._clock.now() - clock.parse_rfc3339(event.time)).total_seconds()
        except ValueError as error:
            raise errors.Poison(f"its time cannot be read: {error}") from error


async def _record(
    connection: pool.Connection, event: events.Event, match_id: MatchId, *, age_s: float
) -> Outcome:
    ended = event.data
    assert isinstance(ended, events.MatchEnded), "handle() lets nothing else through"  # noqa: S101
    match = await ranking.lock_match(connection, match_id)
    if match is None:
        return ending.Ignore(ending.Ignored.FOREIGN)
    decision = ending.decide(match, ended, age_s=age_s)
    if isinstance(decision, ending.Wait):
        raise errors.NotYet(f"match {match_id}: {decision.why}")
    if isinstance(decision, ending.Ignore):
        return decision
    if not await inbox.remember(connection, CONSUMER, event_id=event.id):
        return ending.Ignore(ending.Ignored.REPEATED)
    return await _end(connection, match, decision)


async def _end(connection: pool.Connection, match: ranking.Match, end: ending.End) -> Recorded:
    at = await ranking.end_match(
        connection,
        match.id,
        state=end.state.value,
        uid=end.uid,
        reason=end.reason,
        message=_storable(end.message),
        result=_storable_result(end.result),
    )
    assert at is not None, "decide() saw it live, and it is locked"  # noqa: S101
    if end.was_ready:
        tickets = await ranking.use_tickets(connection, match.id)
    else:
        tickets = await ranking.requeue_tickets(connection, match.id, avoid_region=match.region)
    changes, moves = await _rate(connection, match, end.placements)
    await outbox.insert(
        connection,
        [
            *(announcing.rating_changed(match, change, at=at) for change in changes),
            *(announcing.ticket(match, ticket, used=end.was_ready, at=at) for ticket in tickets),
        ],
    )
    await jobs.enqueue_match_summary(connection, match.id)
    return Recorded(match, end, changes, tickets=len(tickets), moves=moves)


async def _rate(
    connection: pool.Connection, match: ranking.Match, placements: Sequence[rating.Placement]
) -> tuple[tuple[rating.Change, ...], ranking.Stretch | None]:
    if not placements:
        return (), None
    before: Mapping[PlayerId, int] = await ranking.lock_ratings(
        connection,
        [placed.player for placed in placements],
        game=match.game,
        mode=match.mode,
        initial=rating.INITIAL,
    )
    changes = rating.rate(placements, before)
    moves = await ranking.change_ratings(
        connection,
        match.id,
        game=match.game,
        mode=match.mode,
        moved=[ranking.Moved(c.player, before=c.before, delta=c.delta) for c in changes],
    )
    return changes, moves


def _storable(text: str) -> str:
    # PostgreSQL's text holds every character but this one, and a game may put it into its message.
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _storable_result(result: Result | None) -> Result | None:
    if result is None:
        return None
    return msgspec.structs.replace(result, message=_storable(result.message))


def _tell(outcome: Outcome, event: events.Event, ended: events.MatchEnded) -> None:
    if isinstance(outcome, ending.Ignore):
        metrics.IGNORED.labels(why=outcome.why.value).inc()
        log.info("match_end_ignored", match=ended.match, why=outcome.why.value, event_id=event.id)
        return
    match, end = outcome.match, outcome.end
    labels = {"game": match.game, "mode": match.mode}
    reason = end.reason.value if end.reason is not None else ""
    metrics.ENDED.labels(**labels, ended_as=end.state.value, reason=reason).inc()
    metrics.RATED.labels(**labels).inc(len(outcome.changes))
    metrics.RATING_DELTA.labels(**labels).inc(sum(max(0, c.delta) for c in outcome.changes))
    metrics.TICKETS.labels("matched" if end.was_ready else "requeued").inc(outcome.tickets)
    log.info(
        "match_end_recorded",
        match=match.id,
        ended_as=end.state.value,
        reason=reason or None,
        message=end.message or None,
        ratings={c.player: [c.before, c.after] for c in outcome.changes},
        tickets=outcome.tickets,
    )
