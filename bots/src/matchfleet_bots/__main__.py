"""`python -m matchfleet_bots`: the bot service, settings from the environment."""

import asyncio
import sys

import pydantic

from matchfleet_bots import serving, settings
from matchfleet_telemetry import errors, logs


def main() -> int:
    """Run the service; the exit code."""
    try:
        knobs = settings.load()
        logs.configure("bots", knobs.log_level, fmt=knobs.log_format)
    except (pydantic.ValidationError, errors.TelemetryError) as error:
        print(f"settings: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(serving.run(knobs))
    except (OSError, RuntimeError) as error:
        print(f"matchfleet_bots: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
