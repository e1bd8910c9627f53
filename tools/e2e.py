"""The stories on a kind cluster that is up: side by side, then one by one those that disturb.

Stories play with players of their own, so several pytest processes tell them at once on the one
install; `xdist_group` keeps in one process, and so apart, those that queue in the same mode. Those
marked `alone` take away what the others use (a broker, the operator, the install itself); they
come after, in one process.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTHING_CHOSEN = 5
"""pytest's exit code when no test was asked for."""


def main() -> int:
    """The exit code of the stories."""
    parser = argparse.ArgumentParser(prog="tools/e2e.py", description=__doc__)
    parser.add_argument("--name", default="matchfleet")
    parser.add_argument("--processes", type=int, default=1, help="stories at a time")
    parser.add_argument("-k", default="", help="only the stories that match")
    chosen = parser.parse_args()
    info = _info(chosen.name)
    if info is None:
        return 1
    environment = os.environ | {
        "MATCHFLEET_E2E_CONTEXT": info["context"],
        "MATCHFLEET_E2E_API": f"http://127.0.0.1:{info['api_port']}",
        "MATCHFLEET_E2E_PATH": str(Path(info["kubectl"]).parent),
        "MATCHFLEET_E2E_NAME": chosen.name,
    }
    codes = [
        subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode
        for words in commands(chosen.k, processes=chosen.processes)
    ]
    return verdict(codes)


def commands(only: str, *, processes: int) -> list[list[str]]:
    """The runs of pytest that tell the stories."""
    pytest = [sys.executable, "-m", "pytest", "tests/e2e", "--substrate", "kind"]
    if only:
        return [[*pytest, "-k", only]]
    beside = ["-n", str(processes), "--dist", "loadgroup"] if processes > 1 else []
    return [[*pytest, "-m", "not alone", *beside], [*pytest, "-m", "alone"]]


def verdict(codes: list[int]) -> int:
    """One exit code for all runs; that none had a story to tell is a failure."""
    told = [code for code in codes if code != NOTHING_CHOSEN]
    return max(told) if told else NOTHING_CHOSEN


def _info(name: str) -> dict[str, str] | None:
    described = subprocess.run(
        [sys.executable, "-m", "tools.cluster", "info", "--name", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if described.returncode != 0:
        print(described.stderr.strip(), file=sys.stderr)
        return None
    found: dict[str, str] = json.loads(described.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
