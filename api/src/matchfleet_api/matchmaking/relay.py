"""From requested rows to Match resources, each created once.

A row is locked while its resource is asked for, and asked for only while its `not_after` lies
ahead; the operator refuses it afterwards. A name that exists already is ours exactly if its origin
and the digest of its spec say so: then a relay before us died between the creation and its note.
"""

import asyncio
import datetime
from dataclasses import dataclass

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import matches, pool
from matchfleet_api import metrics
from matchfleet_contracts import clock, ids, resources
from matchfleet_contracts.ids import MatchId, MatchUid

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Made:
    uid: MatchUid


@dataclass(frozen=True, slots=True)
class _NotMade:
    outcome: str
    detail: str


class Relay:
    """Creates the resources of requested matches."""

    def __init__(
        self,
        database: pool.Database,
        cluster: kube.Matches,
        *,
        now: clock.Clock,
        batch: int = 20,
        hold_s: float = 5.0,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._clock = now
        self._batch = batch
        self._hold = datetime.timedelta(seconds=hold_s)
        self._held_until: dict[MatchId, datetime.datetime] = {}

    async def run_round(self) -> bool:
        """Create what is requested, up to a batch; whether there may be more.

        Raises:
            matchfleet_adapters.errors.Unavailable: PostgreSQL or Kubernetes does not answer.
        """
        now = self._clock.now()
        self._held_until = {m: at for m, at in self._held_until.items() if at > now}

        async def work(connection: pool.Connection) -> list[_Made | _NotMade]:
            rows = await matches.lock_requested(
                connection, now=now, but=list(self._held_until), limit=self._batch
            )
            # Outcomes are values: an error raised here would run the whole transaction again.
            outcomes = await asyncio.gather(*(self._ask(row) for row in rows))
            for row, outcome in zip(rows, outcomes, strict=True):
                await self._note(connection, row, outcome, now)
            return outcomes

        outcomes = await self._database.transaction(work)
        for outcome in outcomes:
            if isinstance(outcome, _NotMade) and outcome.outcome == "away":
                raise errors.Unavailable(store="Kubernetes", detail=outcome.detail)
        return len(outcomes) == self._batch

    async def _ask(self, row: matches.Requested) -> _Made | _NotMade:
        name = ids.match_name(row.id)
        annotations = {
            resources.ANNOTATION_ORIGIN: resources.ORIGIN_API,
            resources.ANNOTATION_SPEC_DIGEST: row.spec_digest,
        }
        try:
            try:
                made = await self._cluster.create(name, spec=row.spec, annotations=annotations)
            except errors.ResourceExists:
                made = await self._cluster.get(name)
        except errors.ResourceRefused as error:
            return _NotMade("refused", str(error))
        except (errors.Unavailable, errors.ResourceGone) as error:
            return _NotMade("away", str(error))
        if any(made.annotations.get(key) != value for key, value in annotations.items()):
            return _NotMade("foreign", f"{name} exists and is not the one that was asked for")
        return _Made(made.uid)

    async def _note(
        self,
        connection: pool.Connection,
        row: matches.Requested,
        outcome: _Made | _NotMade,
        now: datetime.datetime,
    ) -> None:
        match outcome:
            case _Made(uid):
                await matches.mark_created(connection, row.id, uid=uid, at=now)
                metrics.RELAYED.labels("created").inc()
                log.info("match_created", match=row.id, match_uid=uid)
            case _NotMade(kind, detail):
                self._held_until[row.id] = now + self._hold
                metrics.RELAYED.labels(kind).inc()
                log.warning("match_not_created", match=row.id, outcome=kind, detail=detail)
