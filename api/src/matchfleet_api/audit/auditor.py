"""Runs every check, and looks again at what looked wrong.

An install in use is never still: between two reads a match may end. So whatever breaks an invariant
is looked at a second time, and only what is wrong both times counts. A check that could not look
does not pass, except for Redis, which may be away.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import audit, pool
from matchfleet_api.audit import carried, clustered, finding, recorded, remembered
from matchfleet_contracts import clock, ids

Check = Callable[[], Awaitable[finding.Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """What counts as on its way, and as too much.

    Attributes:
        record_grace_s: from a resource's end to its row's.
        ticket_grace_s: from a match's change to its tickets'.
        server_grace_s: from a match's end, or a deadline, to the pod's.
        slow_share: share of its tick rate that a match may miss.
        slow_hours: how far back tick rates are looked at.
        backlog: messages that may wait in one queue.
        second_look_s: between the two looks.
    """

    record_grace_s: float = 90.0
    ticket_grace_s: float = 60.0
    server_grace_s: float = 60.0
    slow_share: float = 0.1
    slow_hours: int = 24
    backlog: int = 1_000
    second_look_s: float = 3.0


class Auditor:
    """Looks at I1 to I10."""

    def __init__(
        self,
        database: pool.Database,
        cluster: kube.Matches,
        broker: carried.Broker,
        cached: remembered.Remembered,
        *,
        now: clock.Clock,
        settings: AuditSettings | None = None,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._broker = broker
        self._cached = cached
        self._clock = now
        self._settings = settings or AuditSettings()

    async def run(self) -> list[finding.Finding]:
        """All findings, I1 first."""
        first = [await self._look(name, check) for name, check in self._checks().items()]
        if all(f.ok for f in first):
            return first
        await asyncio.sleep(self._settings.second_look_s)
        return [f if f.ok else await self._again(f) for f in first]

    async def _again(self, first: finding.Finding) -> finding.Finding:
        second = await self._look(first.invariant, self._checks()[first.invariant])
        both = [v for v in second.violations if v in first.violations]
        # A sentence with a number in it may have grown: the same beginning is the same breach.
        known = {v.split(":")[0] for v in first.violations}
        both = both or [v for v in second.violations if v.split(":")[0] in known]
        return finding.told(first.invariant, both, second.detail)

    async def _look(self, invariant: str, check: Check) -> finding.Finding:
        try:
            return await check()
        except errors.AdapterError as error:
            return finding.told(invariant, [f"it could not be looked at: {error}"], "not looked at")

    def _checks(self) -> dict[str, Check]:
        settings = self._settings

        def stored(check: Callable[[pool.Connection], Awaitable[finding.Finding]]) -> Check:
            async def run() -> finding.Finding:
                async with self._database.connection() as connection:
                    return await check(connection)

            return run

        now = self._clock.now()
        ticket_grace = datetime.timedelta(seconds=settings.ticket_grace_s)
        since = now - datetime.timedelta(hours=settings.slow_hours)
        return {
            "I1": self._results_kept,
            "I2": stored(recorded.ratings),
            "I3": stored(lambda c: recorded.tickets(c, now=now, grace=ticket_grace)),
            "I4": stored(recorded.seats),
            "I5": stored(recorded.ends),
            "I6": self._one_server,
            "I7": self._none_outlives,
            "I8": self._cached.check,
            "I9": lambda: carried.check(self._broker, backlog=settings.backlog),
            "I10": stored(lambda c: recorded.ticks(c, share=settings.slow_share, since=since)),
        }

    async def _results_kept(self) -> finding.Finding:
        found = await self._cluster.snapshot()
        names = [m for r in found if r.is_ours and (m := ids.match_id(r.name)) is not None]
        async with self._database.connection() as connection:
            rows = await audit.recorded(connection, names)
        return clustered.results_kept(
            found,
            rows,
            now_s=self._clock.now().timestamp(),
            grace_s=self._settings.record_grace_s,
        )

    async def _one_server(self) -> finding.Finding:
        servers = await self._cluster.servers()
        return clustered.one_server(await self._cluster.snapshot(), servers)

    async def _none_outlives(self) -> finding.Finding:
        # Pods first: a pod whose Match was made meanwhile has it in the list that follows.
        servers = await self._cluster.servers()
        return clustered.none_outlives(
            await self._cluster.snapshot(),
            servers,
            now_s=self._clock.now().timestamp(),
            grace_s=self._settings.server_grace_s,
        )
