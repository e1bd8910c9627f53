"""pgqueuer, run over one plain connection after the other.

pgqueuer ends when it loses its connection, and then everything starts over; jobs that it had picked
are picked again once their heartbeat is stale. A job that fails is tried again a few times, later
and later, and is then held in its table, where the audit sees it, rather than deleted.

pgqueuer's own notifications are off (see the migration), so the table is looked at every second.
"""

import asyncio
import datetime
import functools
from collections.abc import Awaitable, Callable
from typing import Final

import asyncpg
import pgqueuer
import structlog
from pgqueuer.core import executors
from pgqueuer.models import Job, Schedule

from matchfleet_adapters.postgres import jobs
from matchfleet_telemetry import health
from matchfleet_workers import lifetime, metrics, settings
from matchfleet_workers.jobs import work

log = structlog.get_logger(__name__)

_AGAIN_AFTER_S: Final = 2.0
_BACKLOG_EVERY_S: Final = 15.0
_HEARTBEAT: Final = datetime.timedelta(seconds=30)
_CONNECT_TIMEOUT_S: Final = 5.0
_CLOSE_TIMEOUT_S: Final = 5.0


async def run(
    config: settings.Jobs, desk: work.Desk, *, board: health.Board, stopping: asyncio.Event
) -> None:
    """Runs jobs and schedules until `stopping`; `board` shows `jobs` while they do not run."""
    watching = asyncio.create_task(_watch_backlog(desk))
    try:
        while not stopping.is_set():
            try:
                await _run_once(config, desk, board, stopping)
            except Exception:  # the top of a supervised task: log, count, again
                board.wrong("jobs", "interrupted")
                log.exception("jobs_interrupted", again_in_s=_AGAIN_AFTER_S)
                metrics.JOBS.labels(job="pgqueuer", outcome="interrupted").inc()
                await lifetime.until(stopping, timeout_s=_AGAIN_AFTER_S)
    finally:
        watching.cancel()


async def _run_once(
    config: settings.Jobs, desk: work.Desk, board: health.Board, stopping: asyncio.Event
) -> None:
    connection = await asyncpg.connect(config.postgres_dsn, timeout=_CONNECT_TIMEOUT_S)
    board.well("jobs")
    try:
        queuer = pgqueuer.PgQueuer.from_asyncpg_connection(connection)
        _register(queuer, config, desk)
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_pass_on(stopping, queuer))
            await queuer.run(
                dequeue_timeout=datetime.timedelta(seconds=config.poll_seconds),
                heartbeat_timeout=_HEARTBEAT,
            )
            telling.cancel()
    finally:
        await _close(connection)


async def _close(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    try:
        await connection.close(timeout=_CLOSE_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


async def _pass_on(stopping: asyncio.Event, queuer: pgqueuer.PgQueuer) -> None:
    await stopping.wait()
    queuer.shutdown.set()


def _register(queuer: pgqueuer.PgQueuer, config: settings.Jobs, desk: work.Desk) -> None:
    patient = functools.partial(
        executors.DatabaseRetryEntrypointExecutor, max_attempts=config.attempts
    )

    @queuer.entrypoint(jobs.MATCH_SUMMARY, on_failure="hold", executor_factory=patient)
    async def match_summary(job: Job) -> None:
        await _counted(jobs.MATCH_SUMMARY, work.summarize_match(desk, job.payload))

    periodic: dict[str, tuple[str, Callable[[work.Desk], Awaitable[None]]]] = {
        "ladder_snapshot": (config.snapshot_schedule, work.snapshot_ladders),
        "ladder_repair": (config.repair_schedule, work.repair_ladders),
        "purge": (config.purge_schedule, work.purge),
    }
    for name, (schedule, doing) in periodic.items():
        _schedule(queuer, name, schedule=schedule, doing=functools.partial(doing, desk))


def _schedule(
    queuer: pgqueuer.PgQueuer, name: str, *, schedule: str, doing: Callable[[], Awaitable[None]]
) -> None:
    @queuer.schedule(name, schedule, clean_old=True)
    async def periodic(_: Schedule) -> None:
        await _counted(name, doing())


async def _counted(name: str, doing: Awaitable[None]) -> None:
    with metrics.JOB_TIME.labels(job=name).time():
        try:
            await doing
        except Exception:
            metrics.JOBS.labels(job=name, outcome="failed").inc()
            raise
    metrics.JOBS.labels(job=name, outcome="done").inc()


async def _watch_backlog(desk: work.Desk) -> None:
    while True:
        try:
            async with desk.database.connection() as connection:
                found = await jobs.backlog(connection)
        except Exception:  # a gauge is not worth a worker's life
            log.warning("jobs_backlog_unknown", exc_info=True)
        else:
            metrics.BACKLOG.clear()
            for row in found:
                metrics.BACKLOG.labels(job=row.entrypoint, status=row.status).set(row.jobs)
        await asyncio.sleep(_BACKLOG_EVERY_S)
