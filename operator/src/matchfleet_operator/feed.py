"""Takes what watch and audit report into the cache, whatever state it is in.

An object that cannot be read is counted and left out: one bad object stops nothing else.
"""

import datetime
import time
from collections.abc import Callable

import structlog

from matchfleet_contracts import clock
from matchfleet_contracts.ids import FleetName, MatchName, MatchUid, PodName, PodUid
from matchfleet_operator import errors, kube, metrics, observed
from matchfleet_operator.cache import Cache
from matchfleet_operator.kube import Kind, Object
from matchfleet_operator.memory import Memory

log = structlog.get_logger(__name__)


class Feed:
    """The one way into the cache for what others tell us."""

    def __init__(
        self,
        cache: Cache,
        memory: Memory,
        clock: clock.Clock,
        *,
        suspect: Callable[[], None] = lambda: None,
    ) -> None:
        """`suspect` is called when a claimed server is stopped, maybe with all its namespace."""
        self._cache = cache
        self._memory = memory
        self._clock = clock
        self._suspect = suspect
        self.last_at = time.monotonic()
        """When somebody told us something last, on the monotonic clock."""

    def tell(self, kind: Kind, change: str | None, raw: Object, received_at: float) -> None:
        """A watch event; `change` is None for an object that was there when the watch began."""
        self.last_at = time.monotonic()
        metrics.EVENTS_SEEN.labels(resource=kind.plural, type=change or "LISTED").inc()
        metrics.EVENT_LAG.observe(self.last_at - received_at)
        if change == "DELETED":
            self.drop(kind, observed.name_of(raw), observed.uid_of(raw))
        else:
            self.put(kind, raw)

    def put(self, kind: Kind, raw: Object) -> bool:
        """Takes an object in; whether it was news."""
        try:
            return self._put(kind, raw)
        except errors.Unreadable as error:
            metrics.UNREADABLE.labels(resource=kind.plural).inc()
            log.warning("object_unreadable", resource=kind.plural, why=str(error))
            return False

    def _put(self, kind: Kind, raw: Object) -> bool:
        if kind == kube.MATCHES:
            match = observed.match(raw)
            self._remember(match.uid, match.created)
            return self._cache.put_match(match)
        if kind == kube.PODS:
            pod = observed.pod(raw)
            if pod.claim is not None and pod.is_deleting and not pod.has_ended:
                self._suspect()
            return self._cache.put_pod(pod)
        if kind == kube.FLEETS:
            return self._cache.put_fleet(observed.fleet(raw))
        raise AssertionError(f"{kind.plural} are not kept in the cache")

    def _remember(self, uid: MatchUid, created: datetime.datetime) -> None:
        now = self._clock.now()
        # Of a Match that is much older we do not know when it could first have been served.
        if (now - created).total_seconds() < 2:
            self._memory.first_seen_at.setdefault(uid, now)

    def drop(self, kind: Kind, name: str, uid: str) -> None:
        """An incarnation is gone."""
        if kind == kube.MATCHES:
            self._cache.drop_match(MatchName(name), MatchUid(uid))
        elif kind == kube.PODS:
            self._cache.drop_pod(PodName(name), PodUid(uid))
            self._memory.forget_pod(PodUid(uid))
        else:
            self._cache.drop_fleet(FleetName(name), uid)
