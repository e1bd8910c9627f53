"""`python -m matchfleet_local.demo`: what `make demo` runs.

It brings the product up, lets two clients play a match, prints where everything is and stays until
Ctrl-C or SIGTERM. With `--once`, with ONCE=1, or without a terminal it ends after the match; the
exit code is 0 when the match was played and rated.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from matchfleet_local.demo import console, errors, match, starting, summary, topology
from matchfleet_local.servers import errors as server_errors

DIRECTORY = Path(".build/demo")
INTERRUPTED = 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m matchfleet_local.demo",
        description="Run the whole product as local processes and play one match.",
    )
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="a private directory")
    parser.add_argument("--queue", default=topology.FIRST_QUEUE, help="the queue to play in")
    parser.add_argument("--once", action="store_true", help="end after the match")
    return parser.parse_args(arguments)


async def run(options: argparse.Namespace, told: console.Console, *, stays: bool) -> None:
    """Up, play, tell, stay."""
    async with starting.running(options.directory.absolute(), announce=told.say) as it:
        told.say("everything is ready; two clients play")
        await it.unless_failed(match.play(it, queue=options.queue, tell=told.say))
        for line in summary.lines(it):
            told.plain(line)
        if stays:
            told.plain("Ctrl-C ends it and leaves nothing behind.")
            with contextlib.suppress(asyncio.CancelledError):
                await it.unless_failed(_until_told())
        else:
            told.say("stopping")


async def _until_told() -> None:
    await asyncio.Event().wait()


async def _main(options: argparse.Namespace) -> None:
    has_terminal = sys.stdout.isatty()
    told = console.Console(lambda line: print(line, flush=True))
    _cancel_once(told)
    beat = asyncio.create_task(told.heartbeat())
    try:
        once = options.once or os.environ.get("ONCE") == "1" or not has_terminal
        await run(options, told, stays=not once)
    finally:
        beat.cancel()
        await asyncio.wait({beat})


def _cancel_once(told: console.Console) -> None:
    """Ctrl-C and SIGTERM end the demo in order; a second one does not disturb the clearing up."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if task and not task.cancelling():
            told.say("stopping")
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)


def main(arguments: Sequence[str]) -> int:
    """Run until the match is played, or until told to stop."""
    options = parse(arguments)
    try:
        asyncio.run(_main(options))
    except asyncio.CancelledError:
        return INTERRUPTED
    except (errors.DemoFailed, server_errors.ServersError) as failed:
        print(f"make demo failed: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
