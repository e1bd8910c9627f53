"""Watches Match resources and writes what players wait for: that a match is Ready.

A watch begins with the whole list, so whatever happened while nobody watched is found. Every
replica watches; the write is guarded, so they do not disturb each other. Ends are not written here:
ranking alone writes those.
"""

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import pool
from matchfleet_adapters.redis import cache
from matchfleet_api.services import matches, readiness
from matchfleet_contracts import clock, ids, resources
from matchfleet_telemetry import health

log = structlog.get_logger(__name__)
_NAME = "match-watch"


class MatchWatch:
    """Turns Ready resources into ready rows."""

    def __init__(
        self,
        database: pool.Database,
        cluster: kube.Matches,
        remembered: cache.Cache,
        *,
        now: clock.Clock,
        board: health.Board | None = None,
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._cache = remembered
        self._clock = now
        self._board = board
        self._known: dict[ids.MatchUid, str] = {}

    async def run(self) -> None:
        """Watch until it breaks; whoever runs this begins again.

        Raises:
            errors.Unavailable: Kubernetes or PostgreSQL does not answer.
        """
        try:
            async for event in self._cluster.watch():
                match event:
                    case kube.Listed(found):
                        self._known = {
                            u: s for u, s in self._known.items() if any(m.uid == u for m in found)
                        }
                        if self._board is not None:
                            self._board.well(_NAME)
                        for resource in found:
                            await self.observe(resource)
                    case kube.Changed(resource):
                        await self.observe(resource)
                    case kube.Removed(resource):
                        self._known.pop(resource.uid, None)
        except errors.Unavailable as error:
            if self._board is not None:
                self._board.wrong(_NAME, str(error))
            raise

    async def observe(self, resource: kube.MatchResource) -> None:
        """Write down that a match is Ready, if it is, or was before it ended."""
        match = ids.match_id(resource.name)
        ready = _ready(resource, match)
        if ready is None or match is None or self._known.get(resource.uid) == ready.url:
            return
        if await readiness.mark(self._database, ready, at=self._clock.now()):
            await self._cache.invalidate(cache.Subject(matches.KIND, match))
        self._known[resource.uid] = ready.url


def _ready(resource: kube.MatchResource, match: ids.MatchId | None) -> readiness.Ready | None:
    server = resource.server
    was_ready = resource.phase is resources.Phase.READY or resource.phase.is_terminal
    if match is None or not resource.is_ours or not was_ready or server is None or not server.url:
        return None
    return readiness.Ready(match, resource.uid, ids.PodUid(server.pod_uid), server.url)
