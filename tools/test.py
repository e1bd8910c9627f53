"""`make test`: everything that CI runs, cheapest first, some of it side by side (`tools.stages`).

Each stage is a make verb. What it prints is kept, and shown whole when it ends; in between, a line
every 15 s says what runs. The first failure stops the rest, and says what to run to see it again.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools import stages
from tools.cluster import commands, progress

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".build" / "test"
LOOK_EVERY_S = 0.2
SAY_EVERY_S = 15.0
END_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Run:
    """A stage that runs."""

    stage: stages.Stage
    process: "subprocess.Popen[bytes]"
    began: float

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self.began

    @property
    def log(self) -> Path:
        """All that it printed."""
        return LOGS / f"{self.stage.verb}.log"


def begin(stage: stages.Stage) -> Run:
    """Starts a stage in a process group of its own, which is told to end when we die."""
    LOGS.mkdir(parents=True, exist_ok=True)
    bound = ["setpriv", "--pdeathsig", "TERM"] if commands.find("setpriv") else []
    # A make that was started by make inherits flags that are not meant for this one.
    environment = {
        k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}
    }
    with (LOGS / f"{stage.verb}.log").open("wb") as log:
        process = subprocess.Popen(
            [*bound, "make", "--no-print-directory", stage.verb],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    return Run(stage, process, time.monotonic())


def end(runs: list[Run]) -> None:
    """Ends stages as Ctrl-C would, so that each takes down what it started."""
    for sign in (signal.SIGINT, signal.SIGKILL):
        for run in runs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(run.process.pid, sign)
        deadline = time.monotonic() + END_WITHIN_S
        while any(run.process.poll() is None for run in runs) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)


def say(line: str, began: float) -> None:
    """One line of ours, with the time since the start."""
    print(f"== [{progress.duration(time.monotonic() - began):>12}] {line}", flush=True)


def show(run: Run, began: float) -> None:
    """A stage that has ended, and all that it printed."""
    how = "passed" if run.process.returncode == 0 else "FAILED"
    say(f"{run.stage.verb} {how} in {progress.duration(run.seconds)}: {run.stage.proves}", began)
    sys.stdout.flush()
    sys.stdout.buffer.write(run.log.read_bytes())
    sys.stdout.flush()


def ended(runs: list[Run], began: float) -> Iterator[Run]:
    """The next stages that end, waited for; says every so often what is waited for."""
    say_at = time.monotonic() + SAY_EVERY_S
    while not (over := [run for run in runs if run.process.poll() is not None]):
        time.sleep(LOOK_EVERY_S)
        if time.monotonic() > say_at:
            say_at += SAY_EVERY_S
            times = (f"{run.stage.verb} {progress.duration(run.seconds)}" for run in runs)
            say(f"running: {' | '.join(times)}", began)
    yield from over


def play(began: float, running: list[Run]) -> int:
    """Runs the stages; the code of the first that fails, with the rest still `running`."""
    passed: list[str] = []
    while len(passed) < len(stages.STAGES):
        now = {run.stage.verb for run in running}
        for stage in stages.to_begin(stages.STAGES, passed=passed, running=now):
            say(f"{stage.verb} begins", began)
            running.append(begin(stage))
        for run in ended(running, began):
            running.remove(run)
            show(run, began)
            if run.process.returncode != 0:
                say(f"{run.stage.verb} failed; see it alone with: make {run.stage.again}", began)
                return run.process.returncode
            passed.append(run.stage.verb)
    return 0


def main() -> int:
    """Runs everything, and removes the cluster of the stories however it ends."""
    began = time.monotonic()
    running: list[Run] = []
    code = 1
    try:
        code = play(began, running)
    except KeyboardInterrupt:
        code = 130
    finally:
        if running:
            stopped = ", ".join(run.stage.verb for run in running)
            say(f"stopping {stopped}; their output is in {LOGS.relative_to(ROOT)}", began)
            end(running)
        subprocess.run(["make", "--no-print-directory", "e2e-down"], cwd=ROOT, check=False)
    if code == 0:
        say("all passed", began)
    return code


if __name__ == "__main__":
    # A CI system that gives up says SIGTERM: the same as Ctrl-C to us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A shell starts what it runs in the background deaf to Ctrl-C, and so would the stages be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
