"""The operator as a process: builds everything once, looks at everything, then works until told.

    kopf (thread) --tell--> Feed --> Cache --keys--> WorkQueue --> Reconciler x N --> Executor
    Auditor (every 30 s) ----^                     ^-- open while we lead: Leadership

No key is worked on but by the leader, after a complete look of its own. On SIGTERM nothing new
begins, what is in hand is finished and the Lease given back; live matches need no operator.
"""

import asyncio
import contextlib
import datetime
import random
import secrets
import signal
import time
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass

import aiohttp
import structlog

from matchfleet_adapters import rabbitmq
from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import assign
from matchfleet_operator.acting import client as kube_client
from matchfleet_operator.acting.assign import Assigner, HttpAssigner
from matchfleet_operator.acting.bucket import Bucket
from matchfleet_operator.acting.event_writer import EventWriter
from matchfleet_operator.acting.executor import Executor
from matchfleet_operator.acting.kube import Kind, KubeApi, Object
from matchfleet_operator.acting.publishing import EventPublisher, Fuse
from matchfleet_operator.keys import Key
from matchfleet_operator.leading.duties import Duties
from matchfleet_operator.leading.fence import Fence
from matchfleet_operator.leading.leadership import Leadership
from matchfleet_operator.reconciler import Reconciler
from matchfleet_operator.settings import Settings
from matchfleet_operator.watching import census, handlers, node_watch
from matchfleet_operator.watching.access import Access
from matchfleet_operator.watching.audit import Auditor
from matchfleet_operator.watching.cache import Cache
from matchfleet_operator.watching.census import Census
from matchfleet_operator.watching.depth_watch import DepthWatch
from matchfleet_operator.watching.feed import Feed
from matchfleet_operator.watching.memory import Memory
from matchfleet_operator.watching.namespace import NamespaceGuard
from matchfleet_operator.watching.nodes import Nodes
from matchfleet_operator.watching.views import Views
from matchfleet_operator.workqueue import WorkQueue
from matchfleet_telemetry import health, serving

log = structlog.get_logger(__name__)

RESTART_FIRST_S = 0.5
RESTART_MOST_S = 15.0
FAILURES_WITHIN_S = 600.0
POLL_S = 0.1
JOIN_S = 3.0
CANCEL_AGAIN_S = 4.0


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime.datetime:
        """The time now, in UTC."""
        return datetime.datetime.now(datetime.UTC)  # noqa: TID251  the shell of the process


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The parts of a running operator."""

    settings: Settings
    access: Access
    namespace: str
    cache: Cache
    memory: Memory
    queue: WorkQueue[Key]
    feed: Feed
    auditor: Auditor
    guard: NamespaceGuard
    reconciler: Reconciler
    event_writer: EventWriter
    leadership: Leadership
    census: Census
    depth_watch: DepthWatch
    board: health.Board
    deaf: asyncio.Event


def build(
    settings: Settings,
    *,
    access: Access,
    api: KubeApi,
    publisher: EventPublisher,
    assigner: Assigner,
    board: health.Board,
    memory: Memory | None = None,
    lease_api: KubeApi | None = None,
) -> Operator:
    """Joins the parts; nothing runs yet.

    memory: that whose leadership `api` asks for before it writes, if it does.
    lease_api: a way to the Lease that waits behind no other request; `api` if not given.
    """
    clock = SystemClock()
    namespace = settings.namespace or access.namespace
    queue: WorkQueue[Key] = WorkQueue(jitter=random.random)
    memory = memory or Memory()
    leadership = Leadership(
        lease_api or api,
        clock,
        name=settings.lease_name,
        me=f"{settings.pod_name}_{uuid.uuid4().hex[:8]}",
        timing=settings.timing(),
    )
    memory.leads = leadership.leads
    queue.close()
    cache = Cache(queue.add)
    guard = NamespaceGuard(api, memory, namespace)
    feed = Feed(cache, memory, clock, suspect=guard.suspect)

    def node_changed(name: str) -> None:
        for key in cache.keys_of_node(name):
            queue.add(key)

    nodes = Nodes(wanted=settings.read_nodes, changed=node_changed)
    event_writer = EventWriter(api, clock, namespace=namespace, instance=settings.pod_name)
    executor = Executor(
        api=api,
        cache=cache,
        memory=memory,
        publisher=Fuse(publisher),
        assigner=assigner,
        clock=clock,
        emit=event_writer.emit,
    )
    views = Views(cache, memory, nodes, settings.rules(), secrets.randbelow)

    deaf = asyncio.Event()

    def recheck() -> None:
        for key in list(cache.all_keys()):
            queue.add(key)

    return Operator(
        settings=settings,
        access=access,
        namespace=namespace,
        cache=cache,
        memory=memory,
        queue=queue,
        feed=feed,
        auditor=Auditor(api, cache, feed, nodes, recheck, deaf.set),
        guard=guard,
        reconciler=Reconciler(views=views, executor=executor, queue=queue, clock=clock),
        event_writer=event_writer,
        leadership=leadership,
        census=Census(cache),
        depth_watch=DepthWatch(
            memory, queue.add, clock, stale_s=settings.queue_depth_stale_seconds
        ),
        board=board,
        deaf=deaf,
    )


async def run(settings: Settings) -> None:
    """Runs an operator until SIGTERM or SIGINT.

    Raises:
        errors.OperatorError: it cannot start, or its watch keeps failing.
    """
    access, files = settings.access(), settings.key_files()
    board = health.Board("first audit", "watch")
    stop = _stop_signal()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            kube_client.open_session(access, connections=2 * settings.requests_at_once)
        )
        pods = await stack.enter_async_context(assign.open_session())
        publisher = await stack.enter_async_context(
            rabbitmq.Publisher.connected(settings.rabbitmq_url, name="operator")
        )
        lease_session = await stack.enter_async_context(
            kube_client.open_session(access, connections=2)
        )
        memory = Memory()
        bucket = Bucket(per_s=settings.writes_per_second, burst=settings.writes_burst)
        operator = build(
            settings,
            access=access,
            api=_client(settings, access, session, Fence(bucket, memory)),
            publisher=publisher,
            assigner=HttpAssigner(pods, files, timeout_s=settings.request_timeout_seconds),
            board=board,
            memory=memory,
            lease_api=_client(settings, access, lease_session, Bucket(per_s=10.0, burst=10)),
        )
        await stack.enter_async_context(_served(operator))
        await stack.enter_async_context(_hearing_depths(operator))
        await work(operator, stop)


def _client(
    settings: Settings, access: Access, session: aiohttp.ClientSession, writes: kube_client.Pace
) -> kube_client.Client:
    return kube_client.Client(
        session,
        access,
        namespace=settings.namespace or access.namespace,
        writes=writes,
        timeout_s=settings.request_timeout_seconds,
        at_once=settings.requests_at_once,
    )


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


@contextlib.asynccontextmanager
async def _served(operator: Operator) -> AsyncIterator[None]:
    """Health on its own port, and metrics on theirs."""
    chosen = operator.settings

    def live() -> str | None:
        heard = max(operator.feed.last_at, operator.auditor.last_at)
        silent_s = time.monotonic() - heard
        if silent_s < chosen.silent_seconds:
            return None
        return f"nothing was heard of the API server for {silent_s:.0f} s"

    ready = operator.board.report
    async with (
        serving.running(
            chosen.metrics_host, chosen.metrics_port, process="operator", live=live, ready=ready
        ),
        serving.running(chosen.health_host, chosen.health_port, live=live, ready=ready),
    ):
        yield


@contextlib.asynccontextmanager
async def _hearing_depths(operator: Operator) -> AsyncIterator[None]:
    """Hears of the queues meanwhile; it mends its own connections and never ends by itself."""
    listening = operator.depth_watch.listen(operator.settings.rabbitmq_url)
    task = asyncio.create_task(listening, name="queue-depth")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def work(operator: Operator, stop: asyncio.Event) -> None:
    """Looks at everything, then works until `stop` is set, then winds down.

    Raises:
        errors.OperatorError: the API server did not answer in time, or the watch keeps failing.
    """
    metrics.LEADER.set(0)
    metrics.AUDIT_AGE.set_function(operator.auditor.age_s)
    duties = Duties(operator.memory, operator.auditor, operator.queue)
    stopping = asyncio.create_task(stop.wait(), name="stop-signal")
    tried = asyncio.create_task(operator.leadership.tried(), name="lease tried")
    tasks = [asyncio.create_task(operator.leadership.campaign(duties), name="lease")]
    try:
        # First, so that the look that every process begins with is that of a leader already.
        await asyncio.wait([stopping, tried, *tasks], return_when=asyncio.FIRST_COMPLETED)
        if await _first_audit(operator, stop):
            tasks += _begin(operator)
            log.info("operator_started", namespace=operator.namespace, **operator.cache.counts())
            await _until_told_or_broken(stopping, tasks)
            await _wind_down(operator)
    finally:
        for task in (stopping, tried, *tasks):
            task.cancel()
        # Before the watch has ended: somebody waits to lead.
        await operator.leadership.give_back()
        await _until_over(tasks)
    log.info("operator_stopped")


def _begin(operator: Operator) -> list["asyncio.Task[None]"]:
    workers = [
        asyncio.create_task(operator.reconciler.work(), name=f"worker-{n}")
        for n in range(operator.settings.workers)
    ]
    return [
        *workers,
        asyncio.create_task(_supervise_watch(operator), name="watch"),
        asyncio.create_task(_audit_for_ever(operator), name="audit"),
        asyncio.create_task(_watch_nodes(operator), name="nodes"),
        asyncio.create_task(_guard_namespace(operator), name="namespace"),
        asyncio.create_task(operator.event_writer.work(), name="events"),
        asyncio.create_task(operator.census.work(), name="census"),
        asyncio.create_task(census.measure_lag(), name="loop lag"),
    ]


async def _until_over(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Ends tasks, however often that takes.

    A request that fails in the moment it is cancelled fails as if it were not; who tries again for
    ever would never end.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_S)


async def _until_told_or_broken(
    stopping: "asyncio.Task[bool]", tasks: list["asyncio.Task[None]"]
) -> None:
    done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in done - {stopping}:
        # Only a task that broke ends by itself.
        task.result()


async def _first_audit(operator: Operator, stop: asyncio.Event) -> bool:
    """Looks at everything once; False when told to stop before that succeeded."""
    deadline = time.monotonic() + operator.settings.wait_seconds
    while not stop.is_set():
        try:
            await operator.auditor.audit()
        except errors.ApiError as error:
            if time.monotonic() >= deadline:
                raise
            why = str(error)
            operator.board.wrong("first audit", why)
            log.info("waiting_for_api_server", why=why)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await stop.wait()
            continue
        operator.board.well("first audit")
        return True
    return False


async def _audit_for_ever(operator: Operator) -> None:
    period_s = operator.settings.audit_seconds
    while True:
        await asyncio.sleep(period_s * random.uniform(0.9, 1.1))
        try:
            await operator.auditor.audit()
        except errors.ApiError as error:
            log.warning("audit_failed", why=str(error))


async def _watch_nodes(operator: Operator) -> None:
    clock = operator.reconciler.clock
    await node_watch.watch(operator.auditor.nodes, clock, operator.access, operator.namespace)


async def _guard_namespace(operator: Operator) -> None:
    await operator.guard.watch(period_s=operator.settings.audit_seconds)
    operator.queue.open()
    operator.auditor.recheck()
    # All is planned anew with that knowledge; there is nothing more to find out.
    await asyncio.Event().wait()


async def _supervise_watch(operator: Operator) -> None:
    """Keeps kopf watching; it may end by itself, and is started again for a while."""
    loop = asyncio.get_running_loop()
    feed = operator.feed

    def tell(kind: Kind, change: str | None, found: Object, received_at: float) -> None:
        loop.call_soon_threadsafe(feed.tell, kind, change, found, received_at)

    failures: deque[float] = deque()
    while True:
        watching = handlers.Watching(tell, operator.access, [operator.namespace])
        operator.deaf.clear()
        watching.start()
        try:
            await _until_ended(watching, operator)
        finally:
            watching.stop()
            await asyncio.to_thread(watching.join, JOIN_S)
        now = time.monotonic()
        failures.append(now)
        while failures and failures[0] < now - FAILURES_WITHIN_S:
            failures.popleft()
        metrics.KOPF_RESTARTS.inc()
        operator.board.wrong("watch", f"ended: {watching.failure}")
        log.error("watch_ended", failures=len(failures), why=repr(watching.failure))
        if len(failures) >= operator.settings.watch_failures:
            raise errors.OperatorError(f"the watch ended {len(failures)} times in ten minutes")
        wait_s = min(RESTART_FIRST_S * 2.0 ** (len(failures) - 1), RESTART_MOST_S)
        await asyncio.sleep(wait_s * random.uniform(0.7, 1.0))
        operator.auditor.recheck()


async def _until_ended(watching: handlers.Watching, operator: Operator) -> None:
    while watching.is_alive():
        if watching.ready.is_set():
            operator.board.well("watch")
        if operator.deaf.is_set():
            watching.stop()
        await asyncio.sleep(POLL_S)


async def _wind_down(operator: Operator) -> None:
    """Begins nothing new; finishes what is in hand, or lets go of everything if all is ending."""
    operator.memory.closing = True
    operator.queue.close()
    log.info("operator_stopping")
    chosen = operator.settings
    if await operator.guard.check():
        operator.queue.open()
        operator.auditor.recheck()
        await _until(lambda: _nothing_held(operator), within_s=chosen.release_seconds)
        return
    # Whoever leads next should not wait for long, and what is left it takes up from here.
    await _until(lambda: not operator.queue.is_at_work, within_s=chosen.stop_seconds)


def _nothing_held(operator: Operator) -> bool:
    return operator.queue.is_idle and not any(pod.is_held for pod in operator.cache.pods())


async def _until(is_so: Callable[[], bool], *, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while not is_so() and time.monotonic() < deadline:  # noqa: ASYNC110  many may make it so
        await asyncio.sleep(POLL_S / 2)
