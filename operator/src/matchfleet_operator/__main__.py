"""`python -m matchfleet_operator`: the operator, told everything by its environment."""

import sys

import uvloop

from matchfleet_operator import app, errors, settings
from matchfleet_telemetry import errors as telemetry_errors
from matchfleet_telemetry import logs


def main() -> int:
    """Runs until told to stop; returns the exit code."""
    try:
        chosen = settings.load()
        logs.configure("operator", chosen.log_level, fmt=chosen.log_format)
        uvloop.run(app.run(chosen))
    except (errors.OperatorError, telemetry_errors.TelemetryError) as error:
        print(f"matchfleet_operator: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
