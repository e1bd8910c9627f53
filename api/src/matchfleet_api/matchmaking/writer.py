"""One queue's loop: read what changed, pair, claim. Held by one process at a time.

The queue's lock keeps two writers from doing the same work twice; it is not what keeps a ticket
from being claimed twice, which the claim itself does. So a writer that lost its lock without
noticing wastes work and breaks nothing.
"""

import asyncio
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from matchfleet_adapters.postgres import pool, tickets
from matchfleet_api import metrics
from matchfleet_api.matchmaking import claims, depth, pairing, queues, waiting
from matchfleet_contracts import clock, events

log = structlog.get_logger(__name__)
_EVER = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterSettings:
    """How a queue is read and claimed.

    Attributes:
        overlap_s: transactions that commit this much after their start are still seen.
        full_read_period_s: how long one who left may stay in memory.
        hold_s: how long tickets are left alone whose claim an index refused.
        batch: proposals in one transaction.
    """

    overlap_s: float = 2.0
    full_read_period_s: float = 5.0
    hold_s: float = 5.0
    batch: int = 100


class Writer:
    """The passes over one queue."""

    def __init__(
        self,
        database: pool.Database,
        queue: queues.Queue,
        *,
        now: clock.Clock,
        new_id: Callable[[], str],
        new_seed: Callable[[], int],
        settings: WriterSettings | None = None,
        on_claimed: Callable[[], None] = lambda: None,
        on_changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._clock = now
        self._drafter = claims.Drafter(queue, new_id, new_seed)
        self._settings = settings or WriterSettings()
        self._on_claimed = on_claimed
        self._on_changed = on_changed
        self._told: int | None = None
        self._waiting = waiting.Waiting()
        self._full_read_at: datetime.datetime | None = None

    async def run_pass(self) -> int:
        """One pass; how many matches it made.

        Raises:
            matchfleet_adapters.errors.Unavailable: PostgreSQL does not answer.
        """
        began = time.perf_counter()
        now = self._clock.now()
        await self._read(now)
        proposals = pairing.pair(self._waiting.candidates(now), self._queue, now)
        made = 0
        for start in range(0, len(proposals), self._settings.batch):
            made += await self._claim(proposals[start : start + self._settings.batch], now)
            # Pairing and claiming a crowd must not keep the loop from answering its probes.
            await asyncio.sleep(0)
        self._tell_waiting()
        metrics.PASS_TIME.labels(self._queue.key).observe(time.perf_counter() - began)
        return made

    def depth(self) -> events.QueueDepth | None:
        """Who waited after the last pass; None before the first."""
        return None if self._told is None else depth.of(self._waiting.everybody, self._queue)

    def _tell_waiting(self) -> None:
        waiting_now = len(self._waiting)
        metrics.WAITING.labels(self._queue.key).set(waiting_now)
        if waiting_now != self._told:
            self._told = waiting_now
            self._on_changed()

    def forget(self) -> None:
        """Read everything anew on the next pass: somebody else may have written meanwhile."""
        self._full_read_at = None

    async def _read(self, now: datetime.datetime) -> None:
        is_full = self._full_read_at is None or (
            (now - self._full_read_at).total_seconds() >= self._settings.full_read_period_s
        )
        latest = self._waiting.latest_change
        overlap = datetime.timedelta(seconds=self._settings.overlap_s)
        since = _EVER if is_full or latest is None else latest - overlap
        async with self._database.connection() as connection:
            found = await tickets.waiting(
                connection, game=self._queue.game, mode=self._queue.mode, since=since
            )
        if is_full:
            self._waiting.replace(found)
            self._full_read_at = now
        else:
            self._waiting.add(found)

    async def _claim(self, proposals: list[pairing.Proposal], now: datetime.datetime) -> int:
        drafts = [self._drafter.draft(p, now) for p in proposals]
        done = await claims.claim(self._database, drafts, now=now)
        until = now + datetime.timedelta(seconds=self._settings.hold_s)
        self._waiting.drop(done.gone)
        self._waiting.hold(done.refused, until=until)
        for draft in done.made:
            self._waiting.drop(draft.tickets)
            self._tell(draft, now)
        for reason, dropped in (("gone", done.gone), ("refused", done.refused)):
            if dropped:
                metrics.PROPOSALS_DROPPED.labels(self._queue.key, reason).inc(len(dropped))
        if done.made:
            self._on_claimed()
        return len(done.made)

    def _tell(self, draft: claims.Draft, now: datetime.datetime) -> None:
        waits = [(now - c.queued_at).total_seconds() for c in draft.proposal.candidates]
        for wait_s in waits:
            metrics.WAITED.labels(self._queue.key).observe(wait_s)
        ranked = "true" if draft.proposal.ranked else "false"
        metrics.PROPOSED.labels(self._queue.key, draft.proposal.region, ranked).inc()
        log.info(
            "match_proposed",
            match=draft.match.id,
            queue=self._queue.key,
            region=draft.proposal.region,
            ranked=draft.proposal.ranked,
            humans=len(waits),
            waited_s=round(max(waits), 3),
        )
