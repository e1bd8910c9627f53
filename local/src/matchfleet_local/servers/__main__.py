"""`python -m matchfleet_local.servers --dir D`: run the servers for a shell.

It prints one line of JSON, every server's address by name, once all are ready; then it stays until
SIGTERM or Ctrl-C, and leaves nothing behind. Progress goes to stderr.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from matchfleet_local.servers import errors, packages, runs


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m matchfleet_local.servers",
        description="Run PostgreSQL, Redis and RabbitMQ as private processes.",
    )
    parser.add_argument("--dir", type=Path, required=True, help="a directory for them alone")
    parser.add_argument(
        "--only",
        choices=packages.ALL,
        action="append",
        help="run this one only (may be repeated)",
    )
    parser.add_argument("--keep", action="store_true", help="let the data outlive the run")
    return parser.parse_args(arguments)


async def run(options: argparse.Namespace) -> None:
    """Start, print, wait, stop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    started = False

    def stop() -> None:
        stopped.set()
        if task and not started:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    wanted = options.only or packages.ALL
    async with runs.running(
        options.dir,
        postgres="postgres" in wanted,
        redis="redis" in wanted,
        rabbitmq="rabbitmq" in wanted,
        keep=options.keep,
        announce=_announce,
    ) as stores:
        started = True
        sys.stdout.write(f"{json.dumps(stores.addresses())}\n")
        sys.stdout.flush()
        await stopped.wait()


def main(arguments: Sequence[str]) -> int:
    """Run until told to stop; a refusal is a sentence and exit code 1."""
    try:
        asyncio.run(run(parse(arguments)))
    except asyncio.CancelledError:
        return 130
    except errors.ServersError as refused:
        _announce(str(refused))
        return 1
    return 0


def _announce(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
