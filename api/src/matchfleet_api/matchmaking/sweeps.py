"""What was forgotten is set right: ends that did not arrive, and Matches nobody took.

`decide` is pure and holds every rule; `Sweep` looks and acts. An end is published again under the
id its first publication had, so that it counts once however often it is said.
"""

import datetime
from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import matches, outbox, pool, tickets
from matchfleet_api import metrics
from matchfleet_api.matchmaking import postbox
from matchfleet_contracts import clock, events, ids, resources
from matchfleet_contracts.ids import EventId, MatchName, MatchUid

log = structlog.get_logger(__name__)
SOURCE = "/matchmaker"
_ENDED_AS = {
    resources.Phase.COMPLETED: events.EndedAs.COMPLETED,
    resources.Phase.FAILED: events.EndedAs.FAILED,
    resources.Phase.CANCELLED: events.EndedAs.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long others have before a sweep does their work.

    Attributes:
        unrecorded_s: from a resource's end to its row's.
        unassigned_s: beyond `not_after`, for the operator to refuse a Pending Match.
        missing_s: beyond `not_after`, for a resource that is not there.
        again_s: until the same end is published once more.
    """

    unrecorded_s: float = 60.0
    unassigned_s: float = 15.0
    missing_s: float = 15.0
    again_s: float = 60.0


@dataclass(frozen=True, slots=True)
class PublishEnd:
    """Say that a match is over, again or in its operator's place."""

    event: events.Event
    kind: str


@dataclass(frozen=True, slots=True)
class RemovePending:
    """Take back a Match that nobody took; then its end may be said."""

    resource: kube.MatchResource
    then: PublishEnd


Action = PublishEnd | RemovePending


def decide(
    row: matches.Match,
    resource: kube.MatchResource | None,
    *,
    has_server: bool,
    now: datetime.datetime,
    patience: Patience,
) -> Action | None:
    """What a live row needs, given its resource.

    Args:
        has_server: whether some pod was claimed for it and is still there: then its result may yet
            come, Match or no Match, and nobody else may say how it ended.
    """
    late_s = (now - row.not_after).total_seconds()
    if resource is None:
        if has_server or late_s < patience.missing_s:
            return None
        return PublishEnd(_missing(row, now), "missing")
    if resource.phase.is_terminal:
        ended_s = resource.ended_s if resource.ended_s is not None else resource.created_s
        if now.timestamp() - ended_s < patience.unrecorded_s:
            return None
        return PublishEnd(_as_recorded(row, resource), "unrecorded")
    if resource.phase is resources.Phase.PENDING and late_s >= patience.unassigned_s:
        return RemovePending(resource, PublishEnd(_unassigned(row, resource, now), "unassigned"))
    return None


class Sweep:
    """Looks at every live match and does what `decide` says."""

    def __init__(
        self,
        database: pool.Database,
        cluster: kube.Matches,
        publisher: postbox.Publisher,
        *,
        now: clock.Clock,
        patience: Patience | None = None,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._publisher = publisher
        self._clock = now
        self._patience = patience or Patience()
        self._said_at: dict[EventId, datetime.datetime] = {}

    async def run_round(self) -> None:
        """One look at all live matches.

        Raises:
            errors.AdapterError: somebody does not answer; the next round begins anew.
        """
        async with self._database.connection() as connection:
            rows = await matches.live(connection)
        if not rows:
            return
        # Rows first: whatever was created after the rows were read is not missed, only seen late.
        found = {m.name: m for m in await self._cluster.snapshot()}
        served = await self._served()
        now = self._clock.now()
        for row in rows:
            name = ids.match_name(row.id)
            action = decide(
                row,
                found.get(name),
                has_server=served is None or name in served,
                now=now,
                patience=self._patience,
            )
            if action is not None:
                await self._act(action, now)

    async def _served(self) -> Collection[MatchName] | None:
        """Names of the Matches some pod was claimed for, None when we may not look."""
        try:
            return {pod.match for pod in await self._cluster.servers() if pod.match is not None}
        except errors.ResourceRefused as error:
            log.warning("servers_not_seen", detail=str(error))
            return None

    async def _act(self, action: Action, now: datetime.datetime) -> None:
        match action:
            case PublishEnd():
                await self._publish(action, now)
            case RemovePending(resource, then):
                try:
                    await self._cluster.delete(
                        resource.name,
                        uid=resource.uid,
                        resource_version=resource.resource_version,
                    )
                except (errors.ResourceConflict, errors.ResourceGone):
                    return  # Somebody took it after all, or it is gone: the next round sees.
                log.warning("pending_match_removed", match=resource.name, match_uid=resource.uid)
                await self._publish(then, now)

    async def _publish(self, action: PublishEnd, now: datetime.datetime) -> None:
        self._said_at = {
            event_id: at
            for event_id, at in self._said_at.items()
            if (now - at).total_seconds() < self._patience.again_s
        }
        if action.event.id in self._said_at:
            return
        await self._publisher.publish(action.event)
        self._said_at[action.event.id] = now
        metrics.SWEPT.labels(action.kind).inc()
        log.warning("match_end_published_again", kind=action.kind, event_id=action.event.id)


async def expire(database: pool.Database, *, now: datetime.datetime, batch: int = 500) -> bool:
    """Expire tickets whose time is over and tell it; whether there may be more."""

    async def work(connection: pool.Connection) -> int:
        expired = await tickets.expire(connection, now=now, limit=batch)
        await outbox.insert(
            connection,
            [
                events.event(
                    events.TicketExpired(ticket=ticket, player=player),
                    event_id=EventId(f"{ticket}/expired"),
                    source=SOURCE,
                    at=now,
                    subject=ticket,
                )
                for ticket, player in expired
            ],
        )
        return len(expired)

    count = await database.transaction(work)
    metrics.EXPIRED.inc(count)
    return count == batch


async def settle(database: pool.Database, *, now: datetime.datetime) -> None:
    """End the tickets of matches that completed before anybody saw them Ready."""

    async def work(connection: pool.Connection) -> int:
        settled = await tickets.settle(connection)
        await outbox.insert(connection, [matched(t, at=now) for t in settled])
        return len(settled)

    count = await database.transaction(work)
    if count:
        metrics.SWEPT.labels("settled").inc(count)
        log.warning("tickets_settled", count=count)


def matched(ticket: tickets.Settled, *, at: datetime.datetime) -> events.Event:
    """The event that a ticket's match came about."""
    return events.event(
        events.TicketMatched(
            ticket=ticket.id,
            player=ticket.player_id,
            match=ticket.match_id,
            waited_s=round((at - ticket.queued_at).total_seconds(), 3),
        ),
        event_id=EventId(f"{ticket.id}/{ticket.match_id}/matched"),
        source="/api",
        at=at,
        subject=ticket.id,
    )


def _missing(row: matches.Match, now: datetime.datetime) -> events.Event:
    if row.uid is None:
        return _end(
            row,
            uid=MatchUid(f"row-{row.id}"),
            ended_as=events.EndedAs.FAILED,
            reason=resources.Reason.ASSIGN_TIMEOUT,
            message="the match was never asked for in time",
            at=now,
        )
    return _end(
        row,
        uid=row.uid,
        ended_as=events.EndedAs.FAILED,
        reason=resources.Reason.DELETED,
        message="the Match was deleted and no server is left that could tell its result",
        at=now,
    )


def _unassigned(
    row: matches.Match, resource: kube.MatchResource, now: datetime.datetime
) -> events.Event:
    return _end(
        row,
        uid=resource.uid,
        ended_as=events.EndedAs.FAILED,
        reason=resources.Reason.ASSIGN_TIMEOUT,
        message="no operator chose a server in time",
        at=now,
    )


def _as_recorded(row: matches.Match, resource: kube.MatchResource) -> events.Event:
    ended_s = resource.ended_s if resource.ended_s is not None else resource.created_s
    return _end(
        row,
        uid=resource.uid,
        ended_as=_ENDED_AS[resource.phase],
        reason=_reason(resource.reason),
        message=resource.message,
        at=datetime.datetime.fromtimestamp(ended_s, datetime.UTC),
        resource=resource,
    )


def _reason(text: str | None) -> resources.Reason | None:
    # A newer operator may know a reason that this code does not: the end counts all the same.
    return next((known for known in resources.Reason if known == text), None)


def _end(
    row: matches.Match,
    *,
    uid: MatchUid,
    ended_as: events.EndedAs,
    reason: resources.Reason | None,
    message: str,
    at: datetime.datetime,
    resource: kube.MatchResource | None = None,
) -> events.Event:
    spec = msgspec.convert(row.spec, resources.MatchSpec)
    humans = sum(p.kind is resources.PlayerKind.HUMAN for p in spec.players)
    data = events.MatchEnded(
        match=ids.match_name(row.id),
        match_uid=uid,
        ended_as=ended_as,
        game=row.game,
        mode=row.mode,
        region=row.region,
        humans=humans,
        bots=len(spec.players) - humans,
        reason=reason,
        message=message,
        result=None if resource is None else resource.result,
    )
    return events.event(
        data,
        event_id=events.match_ended_id(uid),
        source=SOURCE,
        at=at,
        subject=ids.match_name(row.id),
    )
