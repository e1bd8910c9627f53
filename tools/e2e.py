"""The stories on a kind cluster: a running one, or one of their own, made fresh and removed.

`--fresh` goes the way of a newcomer: `make down`, `make up`, then the stories, then `make down`,
all under a name of its own, so that the cluster of `make up` is never touched.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """The exit code of the stories."""
    parser = argparse.ArgumentParser(prog="tools/e2e.py", description=__doc__)
    parser.add_argument("--name", default="matchfleet")
    parser.add_argument("--fresh", action="store_true", help="make the cluster, and remove it")
    parser.add_argument("-k", default="", help="only the stories that match")
    chosen = parser.parse_args()
    if not chosen.fresh:
        return _stories(chosen.name, chosen.k)
    _make("down", chosen.name)
    try:
        return _make("up", chosen.name) or _stories(chosen.name, chosen.k)
    finally:
        _make("down", chosen.name)


def _stories(name: str, only: str) -> int:
    described = subprocess.run(
        [sys.executable, "-m", "tools.cluster", "info", "--name", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if described.returncode != 0:
        print(described.stderr.strip(), file=sys.stderr)
        return 1
    info = json.loads(described.stdout)
    environment = {
        "MATCHFLEET_E2E_CONTEXT": info["context"],
        "MATCHFLEET_E2E_API": f"http://127.0.0.1:{info['api_port']}",
        "MATCHFLEET_E2E_PATH": str(Path(info["kubectl"]).parent),
        "MATCHFLEET_E2E_NAME": name,
    }
    words = [sys.executable, "-m", "pytest", "tests/e2e", "--substrate", "kind"]
    return subprocess.run(
        words + (["-k", only] if only else []),
        cwd=ROOT,
        env=os.environ | environment,
        check=False,
    ).returncode


def _make(verb: str, name: str) -> int:
    inherited = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MFLAGS"}}
    return subprocess.run(
        ["make", "--no-print-directory", verb, f"NAME={name}"],
        cwd=ROOT,
        env=inherited,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
