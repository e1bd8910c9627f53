"""`python -m matchfleet_api serve | matchmaker | migrate | keys`: the composition root.

Everything is built once, here, from the environment; a process that cannot start says why in a
sentence and exits with 2.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from matchfleet_adapters import errors as adapter_errors
from matchfleet_api import errors, loops, settings
from matchfleet_api.commands import keyfiles, migrations, uninstalling
from matchfleet_api.matchmaking import process
from matchfleet_telemetry import logs


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (errors.ApiError, adapter_errors.AdapterError) as error:
        print(f"matchfleet_api {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    match options.command:
        case "migrate":
            migrating = settings.load(settings.Migrate)
            logs.configure("migrate", migrating.log_level, fmt=migrating.log_format)
            asyncio.run(migrations.run(migrating))
        case "matchmaker":
            config = settings.load(settings.Matchmaker)
            logs.configure("matchmaker", config.log_level, fmt=config.log_format)
            asyncio.run(loops.until_told(process.run(config)))
        case "keys":
            for path in keyfiles.write(options.directory):
                print(path)
        case "uninstall":
            ending = settings.load(settings.Keys)
            logs.configure("uninstall", ending.log_level, fmt=ending.log_format)
            asyncio.run(
                uninstalling.run(
                    ending,
                    namespace=options.namespace,
                    release=options.release,
                    patience_s=options.patience_seconds,
                )
            )
        case command:
            raise AssertionError(f"{command} is parsed and not run")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m matchfleet_api", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring PostgreSQL's schema up to this code")
    commands.add_parser("matchmaker", help="pair tickets, ask for matches, publish events")
    keys = commands.add_parser("keys", help="make signing keys and the admin token, if absent")
    keys.add_argument("--directory", type=Path, required=True, help="write them as files")
    uninstall = commands.add_parser("uninstall", help="end what is played and forget the secrets")
    uninstall.add_argument("--namespace", required=True)
    uninstall.add_argument("--release", default="matchfleet", help="what all its names begin with")
    uninstall.add_argument("--patience-seconds", type=float, default=45.0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
