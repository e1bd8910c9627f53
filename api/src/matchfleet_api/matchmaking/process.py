"""The matchmaker process: a writer for each queue it owns, the relays and the sweeps.

Any number of these processes may run: queues are shared out by locks, relays by row locks, and
sweeps say things twice at worst.
"""

import asyncio
import contextlib
import datetime
from dataclasses import dataclass

import structlog
from kubernetes.aio import client

from matchfleet_adapters import rabbitmq
from matchfleet_adapters.kubernetes import cluster, connection
from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import migrator, pool
from matchfleet_api import clock, loops, settings
from matchfleet_api.matchmaking import depth, ownership, postbox, queues, relay, sweeps, writer
from matchfleet_telemetry import health, serving

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process works with."""

    database: pool.Database
    cluster: kube.Matches
    publisher: postbox.Publisher
    queues: queues.Queues


async def run(config: settings.Matchmaker) -> None:
    """Run until told to stop.

    Raises:
        matchfleet_api.errors.SettingsInvalid: it cannot start like this.
        matchfleet_adapters.errors.AdapterError: PostgreSQL or its schema is not there in time.
    """
    found = queues.load(config.queues_file)
    board = health.Board("schema")
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(
            serving.running(
                config.metrics_host,
                config.metrics_port,
                process="matchmaker",
                ready=board.report,
            )
        )
        database = await pool.wait_for_database(
            config.postgres_dsn, config.pool("matchfleet-matchmaker"), timeout_s=config.wait_seconds
        )
        stack.push_async_callback(database.close)
        await migrator.wait_for_schema(database, timeout_s=config.wait_seconds)
        board.well("schema")
        publisher = await stack.enter_async_context(
            rabbitmq.Publisher.connected(config.rabbitmq_url, name="matchmaker", board=board)
        )
        api_client: client.ApiClient = await stack.enter_async_context(
            connection.connected(config.kubeconfig)
        )
        matches = cluster.ClusterMatches(api_client, connection.own_namespace(config.namespace))
        log.info("matchmaker_started", queues=[q.key for q in found.values()])
        await work(config, Parts(database, matches, publisher, found))


async def work(config: settings.Matchmaker, parts: Parts) -> None:
    """All tasks of the process; never returns by itself."""
    now = clock.SystemClock()
    poll = loops.Pace(config.poll_ms / 1000)
    telling = depth.Pace(period_s=config.depth_period_seconds, repeat_s=config.depth_repeat_seconds)
    is_claimed, is_outboxed = asyncio.Event(), asyncio.Event()

    def on_claimed() -> None:
        is_claimed.set()
        is_outboxed.set()

    async def write(queue: queues.Queue) -> None:
        is_changed = asyncio.Event()
        passes = writer.Writer(
            parts.database,
            queue,
            now=now,
            new_id=clock.new_id,
            new_seed=clock.new_seed,
            on_claimed=on_claimed,
            on_changed=is_changed.set,
        )
        teller = depth.Teller(
            queue, parts.publisher, look=passes.depth, now=now, new_id=clock.new_id, pace=telling
        )
        often = loops.Pace(telling.period_s)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(loops.forever(f"writer-{queue.mode}", passes.run_pass, poll))
                group.create_task(
                    loops.forever(f"depth-{queue.mode}", teller.run_round, often, wake=is_changed)
                )
        finally:
            teller.fall_silent()

    relaying = relay.Relay(parts.database, parts.cluster, now=now)
    sweep = sweeps.Sweep(parts.database, parts.cluster, parts.publisher, now=now)

    async def post() -> bool:
        return await postbox.publish_pending(parts.database, parts.publisher)

    async def expire() -> bool:
        return await sweeps.expire(parts.database, now=now.now())

    async def settle() -> None:
        await sweeps.settle(parts.database, now=now.now())

    async def measure() -> None:
        await postbox.measure(parts.database)

    async def purge() -> None:
        keep = datetime.timedelta(hours=config.outbox_keep_hours)
        await postbox.purge(parts.database, now=now.now(), keep=keep)

    slow = loops.Pace(config.sweep_seconds)
    async with asyncio.TaskGroup() as group:
        for queue in parts.queues.values():

            async def owned(queue: queues.Queue = queue) -> None:
                await write(queue)

            group.create_task(ownership.while_owner(config.postgres_dsn, queue.key, owned))
        group.create_task(loops.forever("relay", relaying.run_round, poll, wake=is_claimed))
        group.create_task(loops.forever("outbox", post, poll, wake=is_outboxed))
        group.create_task(loops.forever("expiry", expire, loops.Pace(1.0)))
        group.create_task(loops.forever("sweep", sweep.run_round, slow))
        group.create_task(loops.forever("settle", settle, slow))
        group.create_task(loops.forever("measure", measure, slow))
        group.create_task(loops.forever("purge", purge, loops.Pace(600.0)))
