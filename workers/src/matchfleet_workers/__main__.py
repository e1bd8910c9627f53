"""`python -m matchfleet_workers ranking | analytics | jobs`: the composition root.

Everything is built once, from the environment; a process that cannot start says why in a sentence
and exits with 2. Each worker loads what it needs and no more.
"""

import argparse
import functools
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from matchfleet_adapters import errors as adapter_errors
from matchfleet_contracts import topology
from matchfleet_telemetry import errors as telemetry_errors
from matchfleet_telemetry import logs
from matchfleet_workers import dead, errors, settings


def main(arguments: list[str] | None = None) -> int:
    """Runs one worker until it is told to stop; returns the exit code."""
    options = _parser().parse_args(arguments)
    worker: str = options.worker
    try:
        if worker == "dead":
            told = settings.load(settings.Dead)
            uvloop.run(dead.run(told, queue=options.queue, is_replaying=options.replay))
            return 0
        config, work = _worker(worker)
        logs.configure(worker, config.log_level, fmt=config.log_format)
        uvloop.run(work())
    except (
        errors.WorkerError,
        adapter_errors.AdapterError,
        telemetry_errors.TelemetryError,
        OSError,  # the port for metrics is taken
    ) as error:
        print(f"matchfleet_workers {worker}: {error}", file=sys.stderr)
        return 2
    return 0


def _worker(name: str) -> tuple[settings.Settings, Callable[[], Coroutine[Any, Any, None]]]:
    match name:
        case "ranking":
            from matchfleet_workers.ranking import process as ranking

            for_ranking = settings.load(settings.Ranking)
            return for_ranking, functools.partial(ranking.run, for_ranking)
        case "analytics":
            from matchfleet_workers.analytics import process as analytics

            for_analytics = settings.load(settings.Analytics)
            return for_analytics, functools.partial(analytics.run, for_analytics)
        case "jobs":
            from matchfleet_workers.jobs import process as jobs

            for_jobs = settings.load(settings.Jobs)
            return for_jobs, functools.partial(jobs.run, for_jobs)
    raise AssertionError(f"{name} is parsed and not run")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m matchfleet_workers", description=__doc__)
    workers = parser.add_subparsers(dest="worker", required=True)
    workers.add_parser("ranking", help="record the ends of matches and rate players")
    workers.add_parser("analytics", help="count what was played, by the hour")
    workers.add_parser("jobs", help="run background jobs")
    letters = workers.add_parser("dead", help="show what could not be handled, one JSON line each")
    letters.add_argument("queue", choices=[queue.name for queue in topology.QUEUES])
    letters.add_argument(
        "--replay",
        action="store_true",
        help="put them back into their queue",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
