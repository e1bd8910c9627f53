"""`make test`: everything that CI runs, in order of cost, stopping at the first stage that fails.

Each stage is a make verb, so that a failing one can be run again by itself.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECOND_PYTHON = "3.13"


@dataclass(frozen=True, slots=True)
class Stage:
    """A make verb and what it proves."""

    verb: str
    proves: str


STAGES = (
    Stage("check", "style, types, imports and pure code"),
    Stage("unit-second", f"the same on Python {SECOND_PYTHON}, which the images run"),
    Stage("integration", "every process against real servers, the whole flow on local"),
    Stage("contract", "local against a real API server, chart, resources, generated code"),
    Stage("e2e-kind", "the stories on a kind cluster of their own"),
)


def run(stage: Stage) -> int:
    """The stage's exit code; its output goes where ours goes."""
    return subprocess.run(
        ["make", "--no-print-directory", stage.verb],
        cwd=ROOT,
        check=False,
        # A make that was started by make inherits flags that are not meant for this one.
        env={k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}},
    ).returncode


def main() -> int:
    """Runs the stages; the code of the first that fails."""
    began = time.monotonic()
    spent: list[str] = []
    for stage in STAGES:
        print(f"== {stage.verb}: {stage.proves}", flush=True)
        stage_began = time.monotonic()
        code = run(stage)
        spent.append(f"{stage.verb} {time.monotonic() - stage_began:.0f} s")
        if code != 0:
            print(f"== {stage.verb} failed; run it alone with: make {stage.verb}", file=sys.stderr)
            return code
    print(f"== all passed in {time.monotonic() - began:.0f} s ({', '.join(spent)})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
