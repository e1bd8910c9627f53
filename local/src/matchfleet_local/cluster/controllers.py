"""Carries out what the collector decides, one change after the other, behind the writer's back.

As on a real cluster, an owner's deletion is answered before its dependents go.
"""

import asyncio

import structlog

from matchfleet_local.cluster import collector, errors, kinds, requests, rules
from matchfleet_local.cluster.history import Change, EventType
from matchfleet_local.cluster.live import Live

_EVENT_SWEEP_S = 60

log = structlog.get_logger(__name__)


class Controllers:
    """The background half of the control plane."""

    def __init__(self, live: Live, *, events_kept_s: float) -> None:
        self._live = live
        self._events_kept_s = events_kept_s
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        live.listen(self._changes.put_nowait)
        live.listen(_tell_skipped_rules)

    async def collect(self) -> None:
        """Follow every change, for ever."""
        while True:
            change = await self._changes.get()
            for request in tuple(collector.after(change, self._live.store)):
                self._carry_out(request)

    async def sweep(self) -> None:
        """Drop old Events now and then, for ever."""
        while True:
            await asyncio.sleep(_EVENT_SWEEP_S)
            now = self._live.clock()
            store = self._live.store
            for request in collector.expired_events(store, now, keep_s=self._events_kept_s):
                self._carry_out(request)

    def _carry_out(self, request: requests.Request) -> None:
        try:
            self._live.apply(request)
        except (errors.NotFound, errors.Conflict) as error:
            # The object went or changed since; the next change is judged afresh.
            log.debug("collection_step_outdated", reason=error.message)


def _tell_skipped_rules(change: Change) -> None:
    """Say which rules of a definition are not checked here."""
    if change.key != kinds.CRDS.key or change.type is EventType.DELETED:
        return
    for kind in kinds.from_definition(change.obj):
        for rule in rules.compile_rules(kind.schema or {}).skipped:
            log.warning("cel_rule_not_checked", resource=kind.resource, rule=rule)
