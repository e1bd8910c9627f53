"""From the event catalogue to players: who is told, and which remembered reads are now untrue.

Every replica hears every event on a queue of its own that lives as long as its connection. What it
missed meanwhile it cannot know, so it then believes no remembered read.
"""

from collections.abc import Sequence
from typing import Final

import structlog

from matchfleet_adapters import rabbitmq
from matchfleet_adapters.postgres import matches, pool
from matchfleet_adapters.redis import cache
from matchfleet_api.channel import hub, messages
from matchfleet_api.services import matches as match_service
from matchfleet_api.services import players as player_service
from matchfleet_api.services import readiness
from matchfleet_contracts import clock, events, ids
from matchfleet_contracts.ids import MatchId, MatchName, MatchUid, PlayerId, PodUid
from matchfleet_telemetry import health

log = structlog.get_logger(__name__)
PATTERNS: Final = ("ticket.#", "match.created", "match.ready", "match.ended", "rating.changed")


class Fanout:
    """Acts on events for the players of one process."""

    def __init__(
        self,
        database: pool.Database,
        remembered: cache.Cache,
        connected: hub.Hub,
        *,
        now: clock.Clock,
    ) -> None:
        self._database = database
        self._cache = remembered
        self._hub = connected
        self._clock = now

    async def run(self, rabbitmq_url: str, *, board: health.Board | None = None) -> None:
        """Listen until cancelled."""
        await rabbitmq.subscribe_exclusive(
            rabbitmq_url,
            PATTERNS,
            self.handle,
            on_established=self._cache.forget_all,
            name="channel-fanout",
            board=board,
        )

    async def handle(self, event: events.Event) -> None:
        """Act on one event."""
        data = event.data
        if isinstance(data, events.MatchReady):
            # A client that is told may join at once, so the row must say Ready before.
            await self._note_ready(data)
        await self._cache.invalidate(*untrue_after(data))
        message = messages.of_event(data)
        if message is None or self._hub.is_empty():
            return
        self._hub.push(await self._concerned(data), message)

    async def _note_ready(self, data: events.MatchReady) -> None:
        match = ids.match_id(MatchName(data.match))
        if match is not None:
            ready = readiness.Ready(match, MatchUid(data.match_uid), PodUid(data.pod_uid), data.url)
            await readiness.mark(self._database, ready, at=self._clock.now())

    async def _concerned(self, data: events.EventData) -> Sequence[PlayerId]:
        match data:
            case events.MatchReady() | events.MatchEnded():
                return await self._players_of(MatchName(data.match))
            case events.MatchCreated():
                return [PlayerId(player) for player in data.players]
            case events.QueueDepth():
                return []
            case _:
                return [PlayerId(data.player)]

    async def _players_of(self, name: MatchName) -> Sequence[PlayerId]:
        match = ids.match_id(name)
        if match is None:
            return ()
        async with self._database.connection() as connection:
            return await matches.players(connection, match)


def untrue_after(data: events.EventData) -> list[cache.Subject]:
    """The remembered reads that an event makes untrue."""
    match data:
        case events.MatchReady() | events.MatchEnded():
            match = ids.match_id(MatchName(data.match))
            return [] if match is None else [_match(match)]
        case events.RatingChanged():
            return [
                cache.Subject(player_service.KIND, data.player),
                _match(MatchId(messages.shown_match(data.match))),
                *(
                    player_service.ladder_subject(data.game, data.mode, size)
                    for size in player_service.LADDER_SIZES
                ),
            ]
        case _:
            return []


def _match(match: MatchId) -> cache.Subject:
    return cache.Subject(match_service.KIND, match)
