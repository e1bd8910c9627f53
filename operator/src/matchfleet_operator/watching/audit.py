"""Compares what we think with complete lists: at the start, and again and again after it.

kopf does not report what vanished while its watch was broken, so something must. The lists are
consistent (no version is asked for), and what is newer than a list is never missed in it. What one
list found and the watch has not told by the next says that the watch is deaf.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from matchfleet_operator import errors, marks, metrics
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind, KubeApi
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.cache import Cache
from matchfleet_operator.watching.feed import Feed
from matchfleet_operator.watching.nodes import Nodes

log = structlog.get_logger(__name__)

# Fleets before Matches before pods: what is listed later may refer to what was listed before.
_KINDS = (
    (kube.CONTROLLER_REVISIONS, marks.PODS_OF_OURS),
    (kube.FLEETS, ""),
    (kube.MATCHES, ""),
    (kube.PODS, marks.PODS_OF_OURS),
)
# Nobody but the leader writes these, so nobody watches them.
_UNWATCHED = frozenset({kube.CONTROLLER_REVISIONS})


@dataclass(slots=True)
class Auditor:
    """Lists everything and repairs the cache; `last_at` is when that last went well."""

    api: KubeApi
    cache: Cache
    feed: Feed
    nodes: Nodes
    recheck: Callable[[], None] = lambda: None
    deaf: Callable[[], None] = lambda: None
    last_at: float = 0.0
    begun_at: float = -1.0
    """When the last audit that went well began, on the monotonic clock."""

    def age_s(self) -> float:
        """Since the last audit that went well; 0 before the first."""
        return time.monotonic() - self.last_at if self.last_at else 0.0

    async def audit(self, *, judges_watch: bool = True) -> None:
        """One complete look.

        judges_watch: what the look before this one found should have been told by now.

        Raises:
            errors.ApiError: a list was refused or did not come.
        """
        is_first, began = not self.last_at, time.monotonic()
        untold = self.feed.take_untold() if judges_watch else 0
        if untold:
            log.warning("watch_is_deaf", untold=untold)
            metrics.AUDIT_DRIFT.labels(resource="all", what="untold").inc(untold)
            self.deaf()
        for kind, selector in _KINDS:
            await self._compare(kind, selector, is_first=is_first)
        await self._read_nodes()
        self.last_at, self.begun_at = time.monotonic(), began
        for resource, count in self.cache.counts().items():
            metrics.CACHE_OBJECTS.labels(resource=resource).set(count)
        self.recheck()

    async def _compare(self, kind: Kind, selector: str, *, is_first: bool) -> None:
        listing = await self.api.list_all(kind, selector=selector)
        listed = {observed.name_of(o): observed.uid_of(o) for o in listing.items}
        is_quiet = is_first or kind in _UNWATCHED
        take = self.feed.put if is_quiet else self.feed.find
        news = sum(take(kind, item) for item in listing.items)
        phantoms = self.cache.phantoms(kind.plural, listed, listing.version)
        for name, uid in phantoms:
            self.feed.drop(kind, name, uid)
        if is_quiet:
            return
        metrics.AUDIT_DRIFT.labels(resource=kind.plural, what="news").inc(news)
        metrics.AUDIT_DRIFT.labels(resource=kind.plural, what="phantom").inc(len(phantoms))
        if phantoms:
            log.warning("phantoms_found", resource=kind.plural, names=[n for n, _ in phantoms][:10])

    async def _read_nodes(self) -> None:
        if not self.nodes.wanted:
            return
        try:
            listing = await self.api.list_all(kube.NODES)
        except (errors.Refused, errors.NotFound) as error:
            if self.nodes.readable:
                log.warning("nodes_unreadable_now", why=str(error))
            elif not self.last_at:
                log.info("nodes_unreadable", why=str(error))
            self.nodes.lose()
            return
        self.nodes.replace(listing.items, listing.version, self.feed.clock.now())
