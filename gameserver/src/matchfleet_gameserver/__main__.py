"""`python -m matchfleet_gameserver`: one process, one match, settings from the environment."""

import asyncio
import sys

import pydantic
import uvloop

from matchfleet_gameserver import app, errors, settings
from matchfleet_telemetry import errors as telemetry_errors
from matchfleet_telemetry import logs, metrics


def main() -> int:
    """Run a server; the exit code."""
    try:
        knobs = settings.load()
        logs.configure("gameserver", knobs.log_level, fmt=knobs.log_format)
    except (pydantic.ValidationError, telemetry_errors.TelemetryError) as error:
        print(f"settings: {error}", file=sys.stderr)
        return 2
    metrics.set_build("gameserver")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(app.run(knobs))
    except (errors.GameServerError, OSError) as error:
        print(f"matchfleet_gameserver: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
