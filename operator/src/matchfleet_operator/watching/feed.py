"""Takes what watch and audit report into the cache, whatever state it is in.

An object that cannot be read is counted and left out: one bad object stops nothing else.
"""

import datetime
import time
from collections.abc import Callable

import structlog

from matchfleet_contracts import clock
from matchfleet_contracts.ids import FleetName, MatchName, MatchUid, PodName, PodUid
from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind, Object
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.cache import Cache
from matchfleet_operator.watching.memory import Memory

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
        self.clock = clock
        self._suspect = suspect
        self.last_at = time.monotonic()
        """When somebody told us something last, on the monotonic clock."""
        self._untold: dict[tuple[str, str], int] = {}

    def tell(self, kind: Kind, change: str | None, raw: Object, received_at: float) -> None:
        """A watch event; `change` is None for an object that was there when the watch began."""
        self.last_at = time.monotonic()
        metrics.EVENTS_SEEN.labels(resource=kind.plural, type=change or "LISTED").inc()
        metrics.EVENT_LAG.observe(self.last_at - received_at)
        key = (kind.plural, observed.uid_of(raw))
        if key in self._untold and (
            change == "DELETED" or observed.version_of(raw) >= self._untold[key]
        ):
            del self._untold[key]
        if change == "DELETED":
            # The object comes as it was deleted, which may be news.
            self.put(kind, raw)
            self.drop(kind, observed.name_of(raw), observed.uid_of(raw), is_final=True)
        else:
            self.put(kind, raw)

    def find(self, kind: Kind, raw: Object) -> bool:
        """An object in a complete list; whether it was news, which the watch should tell, too."""
        is_news = self.put(kind, raw)
        if is_news:
            self._untold[kind.plural, observed.uid_of(raw)] = observed.version_of(raw)
        return is_news

    def take_untold(self) -> int:
        """How many objects were found by a list and never told by the watch; forgets them."""
        count = len(self._untold)
        self._untold.clear()
        return count

    def put(self, kind: Kind, raw: Object) -> bool:
        """Takes an object in; whether it was news."""
        if self._is_echo(kind, raw):
            return False
        try:
            return self._put(kind, raw)
        except errors.Unreadable as error:
            metrics.UNREADABLE.labels(resource=kind.plural).inc()
            log.warning("object_unreadable", resource=kind.plural, why=str(error))
            return False

    def _is_echo(self, kind: Kind, raw: Object) -> bool:
        """Whether it is what the answer to a write of ours told already: half of all events are.

        What is being deleted is read all the same, because of what that makes us suspect.
        """
        meta = raw["metadata"]
        return "deletionTimestamp" not in meta and self._cache.knows(
            kind.plural, meta["name"], meta["uid"], observed.version_of(raw)
        )

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
        if kind == kube.CONTROLLER_REVISIONS:
            return self._cache.put_revision(observed.revision(raw))
        raise AssertionError(f"{kind.plural} are not kept in the cache")

    def _remember(self, uid: MatchUid, created: datetime.datetime) -> None:
        now = self.clock.now()
        # Of a Match that is much older we do not know when it could first have been served.
        if (now - created).total_seconds() < 2:
            self._memory.first_seen_at.setdefault(uid, now)

    def drop(self, kind: Kind, name: str, uid: str, *, is_final: bool = False) -> None:
        """An incarnation is gone; is_final: and was deleted as we know it."""
        if kind == kube.MATCHES:
            self._cache.drop_match(MatchName(name), MatchUid(uid), is_final=is_final)
        elif kind == kube.PODS:
            self._cache.miss_pod(PodName(name), PodUid(uid))
            self._memory.forget_pod(PodUid(uid))
        elif kind == kube.CONTROLLER_REVISIONS:
            self._cache.drop_revision(name, uid)
        else:
            self._cache.drop_fleet(FleetName(name), uid)
