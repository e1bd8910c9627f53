"""`python -m matchfleet_api COMMAND`: the composition root of the api's processes and commands.

Everything is built once, here, from the environment; a process that cannot start says why in a
sentence and exits with 2. Each command loads what it needs and no more: migrations and keys are run
before everything else, and FastAPI alone takes longer to load than they take to run.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from matchfleet_adapters import errors as adapter_errors
from matchfleet_api import clock, errors, loops, settings
from matchfleet_telemetry import errors as telemetry_errors
from matchfleet_telemetry import logs


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (
        errors.ApiError,
        adapter_errors.AdapterError,
        telemetry_errors.TelemetryError,
    ) as error:
        print(f"matchfleet_api {options.command}: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    match options.command:
        case "serve":
            from matchfleet_api import serve

            serving = settings.load(settings.Serve)
            logs.configure("api", serving.log_level, fmt=serving.log_format)
            uvloop.run(loops.until_told(serve.run(serving)))
        case "matchmaker":
            from matchfleet_api.matchmaking import process

            pairing = settings.load(settings.Matchmaker)
            logs.configure("matchmaker", pairing.log_level, fmt=pairing.log_format)
            uvloop.run(loops.until_told(process.run(pairing)))
        case "migrate":
            from matchfleet_api.commands import migrations

            migrating = settings.load(settings.Migrate)
            logs.configure("migrate", migrating.log_level, fmt=migrating.log_format)
            asyncio.run(migrations.run(migrating))
        case "keys":
            _make_keys(options)
        case "openapi":
            from matchfleet_api.commands import describing

            print(describing.text(), end="")
        case "uninstall":
            from matchfleet_api.commands import uninstalling

            ending = settings.load(settings.Keys)
            logs.configure("uninstall", ending.log_level, fmt=ending.log_format)
            asyncio.run(
                uninstalling.run(
                    ending,
                    namespace=options.namespace,
                    release=options.release,
                    patience_s=options.patience_seconds,
                    keep=options.keep,
                )
            )
        case command:
            raise AssertionError(f"{command} is parsed and not run")


def _make_keys(options: argparse.Namespace) -> None:
    config = settings.load(settings.Keys)
    logs.configure("keys", config.log_level, fmt=config.log_format)
    if options.namespace is not None:
        from matchfleet_api.commands import installs

        asyncio.run(
            installs.run(
                config.kubeconfig,
                namespace=options.namespace,
                release=options.release,
                gateway=options.gateway_address,
                now=clock.SystemClock().now(),
            )
        )
        return
    from matchfleet_api.commands import keyfiles

    for path in keyfiles.write(options.directory):
        print(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m matchfleet_api", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="the front door: REST, the channel, /docs")
    commands.add_parser("matchmaker", help="pair tickets, ask for matches, publish events")
    commands.add_parser("migrate", help="bring PostgreSQL's schema up to this code")
    keys = commands.add_parser("keys", help="make signing keys and the admin token, if absent")
    where = keys.add_mutually_exclusive_group(required=True)
    where.add_argument("--directory", type=Path, help="write them as files")
    where.add_argument("--namespace", help="make Secrets and a ConfigMap in this namespace")
    keys.add_argument("--release", default="matchfleet", help="first part of the objects' names")
    keys.add_argument("--gateway-address", help="make a certificate for this host name, too")
    commands.add_parser("openapi", help="print the API's description as JSON")
    uninstall = commands.add_parser("uninstall", help="end what is played and forget the secrets")
    uninstall.add_argument("--namespace", required=True)
    uninstall.add_argument("--release", default="matchfleet", help="what all its names begin with")
    uninstall.add_argument("--patience-seconds", type=float, default=45.0)
    uninstall.add_argument("--keep", action="append", default=[], help="a Secret that stays")
    return parser


if __name__ == "__main__":
    sys.exit(main())
