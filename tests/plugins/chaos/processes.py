"""Operator processes of one plan: each with a token and a memory of its own, killed by the wire.

They live in this process, several plans' at a time. One that is killed is cut off from everything
at once (API server, broker, game servers), so what it still does reaches nobody.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import uuid
from collections.abc import AsyncIterator

import structlog
from operator_bench import Bench

from chaos.proxy import Proxy
from chaos.wire import Wire
from matchfleet_adapters import errors as adapter_errors
from matchfleet_contracts.events import Event
from matchfleet_operator import app, errors
from matchfleet_operator.acting import assign
from matchfleet_operator.acting.publishing import EventPublisher
from matchfleet_operator.planning.seen import MatchSeen, PodSeen
from matchfleet_operator.watching import access

log = structlog.get_logger(__name__)

RESTART_S = 0.1
SETTINGS = {"audit_seconds": 1.0, "workers": 8, "stop_seconds": 1.0}
"""As in a cluster, but that what audits find is found sooner."""


@dataclasses.dataclass(frozen=True, slots=True)
class MortalPublisher:
    """Publishes while its process lives."""

    publisher: EventPublisher
    wire: Wire
    bearer: str

    async def publish(self, event: Event) -> None:
        """Publishes, if it still can."""
        if not self.wire.is_alive(self.bearer):
            raise adapter_errors.PublishFailed(event_id=event.id, detail="the process is dead")
        await self.publisher.publish(event)


@dataclasses.dataclass(frozen=True, slots=True)
class MortalAssigner:
    """Assigns while its process lives."""

    assigner: assign.Assigner
    wire: Wire
    bearer: str

    async def assign(
        self, pod: PodSeen, match: MatchSeen, *, now: datetime.datetime
    ) -> assign.Answer:
        """Assigns, if it still can."""
        if not self.wire.is_alive(self.bearer):
            return assign.Unanswered("the process is dead")
        return await self.assigner.assign(pod, match, now=now)


@contextlib.asynccontextmanager
async def operated(bench: Bench, proxy: Proxy, wire: Wire, *, replicas: int) -> AsyncIterator[None]:
    """So many operators serve the bench; when one dies, another one starts in its place."""
    stop = asyncio.Event()
    places = [
        asyncio.create_task(_supervise(bench, proxy, wire, stop, name=f"operator-{n}"))
        for n in range(replicas)
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*places)


async def _supervise(
    bench: Bench, proxy: Proxy, wire: Wire, stop: asyncio.Event, *, name: str
) -> None:
    corpses: list[asyncio.Task[None]] = []
    try:
        while not stop.is_set():
            bearer = uuid.uuid4().hex
            death = wire.born(bearer)
            proxy.connect(bearer, wire)
            living = asyncio.create_task(_live(bench, proxy, wire, stop, bearer=bearer, name=name))
            dying = asyncio.create_task(death.wait())
            await asyncio.wait({living, dying}, return_when=asyncio.FIRST_COMPLETED)
            dying.cancel()
            living.cancel()
            corpses.append(living)
            if not stop.is_set():
                await asyncio.sleep(RESTART_S)
    finally:
        # Only one that broke in a way that is not its own word for that ends with an error.
        ends = await asyncio.gather(*corpses, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end


async def _live(
    bench: Bench, proxy: Proxy, wire: Wire, stop: asyncio.Event, *, bearer: str, name: str
) -> None:
    """One process from its start to its end."""
    reach = access.Access(server=proxy.url, namespace=bench.namespace, token=bearer)
    async with bench.built(
        reach=reach,
        publisher=MortalPublisher(bench.publisher, wire, bearer),
        through=lambda assigner: MortalAssigner(assigner, wire, bearer),
        pod_name=name,
        **SETTINGS,
    ) as operator:
        try:
            await app.work(operator, stop)
        except errors.OperatorError as error:
            # Its pod would be started again.
            log.info("operator_ended", plan=str(wire.plan), why=str(error))
