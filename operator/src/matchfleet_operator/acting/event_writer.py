"""Writes Kubernetes Events in the background: they inform, so they may be late or get lost."""

import asyncio
import uuid

import structlog

from matchfleet_contracts import clock
from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import kube, manifests
from matchfleet_operator.acting.kube import KubeApi
from matchfleet_operator.planning import actions

log = structlog.get_logger(__name__)

WAITING_MOST = 1000


class EventWriter:
    """A short queue of Events and the task that empties it."""

    def __init__(self, api: KubeApi, clock: clock.Clock, *, namespace: str, instance: str) -> None:
        self._api = api
        self._clock = clock
        self._namespace = namespace
        self._instance = instance
        self._queue: asyncio.Queue[actions.EmitEvent] = asyncio.Queue(WAITING_MOST)

    def emit(self, event: actions.EmitEvent) -> None:
        """Will write the Event, unless too many wait already."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            metrics.EVENTS_DROPPED.inc()

    async def work(self) -> None:
        """Writes Events for ever."""
        while True:
            event = await self._queue.get()
            body = manifests.event_for(
                event,
                name=f"{event.about.name[:200]}.{uuid.uuid4().hex[:12]}",
                namespace=self._namespace,
                instance=self._instance,
                now=self._clock.now(),
            )
            try:
                await self._api.create(kube.EVENTS, body)
            except (errors.ApiError, errors.NotLeading) as error:
                metrics.EVENTS_DROPPED.inc()
                log.info("event_not_written", reason=event.reason, why=str(error))
