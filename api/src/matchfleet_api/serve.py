"""The api process: one uvicorn with the application, the Match watch and the channel's fan-out.

One process a pod, scaled by pods. It starts listening once PostgreSQL has the schema; Redis,
RabbitMQ and Kubernetes may come later and go at any time.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn

from matchfleet_adapters.kubernetes import cluster, connection
from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import accounts as account_rows
from matchfleet_adapters.postgres import migrator, pool
from matchfleet_adapters.redis import cache, ladders, store
from matchfleet_adapters.redis import connection as redis_connection
from matchfleet_api import (
    access,
    app,
    clock,
    keyring,
    loops,
    match_watch,
    passwords,
    settings,
    throttle,
)
from matchfleet_api.audit import auditor, carried, remembered
from matchfleet_api.channel import endpoint, fanout, hub
from matchfleet_api.matchmaking import queues
from matchfleet_api.routes import health as health_routes
from matchfleet_api.services import accounts, hours, matches, players, tickets
from matchfleet_telemetry import health, serving

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What the process is connected to."""

    database: pool.Database
    cache: cache.Cache
    cluster: kube.Matches
    broker: carried.Broker
    ladders: players.View
    gate: throttle.Throttle


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs beside the requests, and what they ask."""

    services: app.Services
    hub: hub.Hub
    fanout: fanout.Fanout
    watch: match_watch.MatchWatch


async def run(config: settings.Serve) -> None:
    """Serve until cancelled.

    Raises:
        matchfleet_api.errors.SettingsInvalid: it cannot start like this.
        matchfleet_adapters.errors.AdapterError: PostgreSQL or its schema is not there in time.
    """
    board = health.Board()
    async with contextlib.AsyncExitStack() as stack:
        found = queues.load(config.queues_file)
        ring = keyring.Keyring(config.api_signing_keys)
        hasher = passwords.Passwords(
            threads=config.password_threads, waiting=config.password_waiting
        )
        stack.callback(hasher.close)
        await stack.enter_async_context(
            serving.running(config.metrics_host, config.metrics_port, process="api")
        )
        stores = await stack.enter_async_context(_connected(config))
        parts = assemble(config, stores, ring=ring, found=found, hasher=hasher, board=board)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in background(config, stores, parts, board)]
            try:
                log.info("api_serving", host=config.host, port=config.port)
                await listen(web_server(config, parts), parts)
            finally:
                for task in tasks:
                    task.cancel()


def assemble(
    config: settings.Serve,
    stores: Stores,
    *,
    ring: keyring.Keyring,
    found: queues.Queues,
    hasher: passwords.Passwords,
    board: health.Board,
) -> Parts:
    """Put the parts together; nothing is done yet."""
    now = clock.SystemClock()
    issuer = access.AccessTokens(ring, now=now, new_id=clock.new_id)
    played = matches.Matches(
        stores.database, stores.cache, stores.cluster, ring=ring, now=now, new_id=clock.new_id
    )
    known = players.Players(stores.database, stores.cache, view=stores.ladders)
    connected = hub.Hub(bound=config.channel_queue_messages)
    services = app.Services(
        accounts=accounts.Accounts(
            stores.database,
            issuer=issuer,
            hasher=hasher,
            gate=stores.gate,
            now=now,
            new_id=clock.new_id,
            limits=_account_limits(config),
        ),
        players=known,
        tickets=tickets.Tickets(stores.database, found, now=now, new_id=clock.new_id),
        matches=played,
        hours=hours.Hours(stores.database, now=now),
        auditor=auditor.Auditor(
            stores.database,
            stores.cluster,
            stores.broker,
            remembered.Remembered(
                stores.database, stores.cache, played, known, view=stores.ladders
            ),
            now=now,
            settings=auditor.AuditSettings(
                slow_share=config.audit_slow_share, backlog=config.audit_backlog_messages
            ),
        ),
        channel=endpoint.Channel(
            connected,
            issuer,
            now=now,
            settings=endpoint.ChannelSettings(
                login_timeout_s=config.channel_login_seconds,
                origins=frozenset(o for o in config.channel_origins.split(",") if o),
            ),
        ),
        readiness=health_routes.Readiness(stores.database, board),
        issuer=issuer,
        ring=ring,
        queues=found,
        clock=now,
        admin_token_file=config.admin_token_file,
        body_limit_bytes=config.body_limit_bytes,
    )
    return Parts(
        services,
        connected,
        fanout.Fanout(stores.database, stores.cache, connected, now=now),
        match_watch.MatchWatch(stores.database, stores.cluster, stores.cache, now=now, board=board),
    )


def background(
    config: settings.Serve, stores: Stores, parts: Parts, board: health.Board
) -> list[Any]:
    """What runs beside the requests."""
    now = clock.SystemClock()

    async def purge() -> None:
        async with stores.database.connection() as held:
            await account_rows.purge_refresh(held, before=now.now())

    return [
        loops.forever("match-watch", parts.watch.run, loops.Pace(0.2)),
        parts.fanout.run(config.rabbitmq_url, board=board),
        loops.forever("cache-invalidations", stores.cache.flush_invalidations, loops.Pace(0.5)),
        loops.forever("refresh-purge", purge, loops.Pace(3600.0)),
    ]


@contextlib.asynccontextmanager
async def _connected(config: settings.Serve) -> AsyncIterator[Stores]:
    async with contextlib.AsyncExitStack() as stack:
        database = await pool.wait_for_database(
            config.postgres_dsn, config.pool("matchfleet-api"), timeout_s=config.wait_seconds
        )
        stack.push_async_callback(database.close)
        await migrator.wait_for_schema(database, timeout_s=config.wait_seconds)
        budget_s = config.redis_budget_ms / 1000
        client = redis_connection.client(config.redis_url, timeout_s=budget_s)
        stack.push_async_callback(client.aclose)
        api_client = await stack.enter_async_context(connection.connected(config.kubeconfig))
        gate = throttle.Throttle(config.redis_url, budget_s=budget_s)
        stack.push_async_callback(gate.close)
        yield Stores(
            database=database,
            cache=cache.Cache(store.RedisStore(client, budget_s=budget_s)),
            cluster=cluster.ClusterMatches(api_client, connection.own_namespace(config.namespace)),
            broker=carried.RabbitBroker(config.rabbitmq_url),
            ladders=ladders.Ladders(client, budget_s=budget_s),
            gate=gate,
        )


def web_server(config: settings.Serve, parts: Parts) -> uvicorn.Server:
    """The server of the application, as it is to be run."""
    return uvicorn.Server(
        uvicorn.Config(
            app.create(parts.services),
            host=config.host,
            port=config.port,
            loop="none",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=16_384,
            ws_ping_interval=20.0,
            ws_ping_timeout=20.0,
            ws_per_message_deflate=False,
            access_log=False,
            # Ours say what is worth saying; uvicorn's would add a line for each channel.
            log_config=None,
            log_level="warning",
            lifespan="off",
            server_header=False,
            proxy_headers=bool(config.trusted_proxies),
            forwarded_allow_ips=config.trusted_proxies or None,
            timeout_graceful_shutdown=int(config.shutdown_seconds),
        )
    )


async def listen(
    server: uvicorn.Server, parts: Parts, *, sockets: list[socket.socket] | None = None
) -> None:
    """Serve until cancelled; then stop being ready, close channels and finish what runs."""
    # Signals are ours: uvicorn's own handling would end the process before its other parts.
    serving_task = asyncio.create_task(server._serve(sockets))  # noqa: SLF001
    try:
        await asyncio.shield(serving_task)
    except asyncio.CancelledError:
        parts.services.readiness.is_stopping = True
        parts.hub.close()
        server.should_exit = True
        await serving_task


def _account_limits(config: settings.Serve) -> accounts.AccountLimits:
    return accounts.AccountLimits(
        guests_per_address=config.guests_per_minute,
        registrations_per_address=config.registrations_per_minute,
        logins_per_account=config.logins_per_account_per_minute,
        logins_per_address=config.logins_per_address_per_minute,
        refresh_days=config.refresh_days,
    )
