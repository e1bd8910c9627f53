"""`python -m tools.install --name NAME`: the second half of `make up`."""

import argparse
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from tools.cluster import errors, places, progress, records
from tools.install import release

HEALTHY_WITHIN_S = 60
# Its matches last two seconds: long enough for the next warm server to start meanwhile.
TIMED = ("--queue", "airhockey/dash", "--region-rtt", "eu=20,us=90")
TIMED_MATCHES = 50
MATCHFLEET = Path(sys.executable).parent / "matchfleet"


def main() -> int:
    """Installs, waits, plays, and prints addresses; 1 with a sentence when it cannot."""
    parser = argparse.ArgumentParser(prog="tools.install", description=__doc__)
    parser.add_argument("--name", default="matchfleet")
    parser.add_argument("--no-play", action="store_true", help="do not play a match")
    parser.add_argument("--quick", action="store_true", help="play one match, not many")
    chosen = parser.parse_args()
    report = progress.to_terminal()
    try:
        with report.ticking():
            where = _target(chosen.name)
            with report.step("the chart, until every process is ready"):
                is_new = release.install(where)
            with report.step("the API answers"):
                _until_ready(where.api_url)
    except errors.ClusterError as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the next run goes on from here", file=sys.stderr)
        return 130
    code = 0
    if not chosen.no_play:
        code = _play(where.api_url, "--players", "2")
        if not code and is_new and not chosen.quick:
            print(f"\n{TIMED_MATCHES} more, to see how long players wait:", flush=True)
            code = _play(where.api_url, *TIMED, "--rounds", str(TIMED_MATCHES))
    print(summary(where), flush=True)
    return code


def summary(where: release.Target) -> str:
    """Addresses and the next commands to try."""
    kubectl = f"kubectl --context {where.context} -n {release.NAMESPACE}"
    return f"""
API       {where.api_url}
API docs  {where.api_url}/docs
browsers  https://localhost:{where.gateway_port} (nobody signed its certificate)
metrics   /metrics on port 9090 of every process:
          {kubectl} port-forward deploy/{release.RELEASE}-api 9090
cluster   context {where.context}, namespace {release.NAMESPACE}

next
  {kubectl} get matches,fleets,pods
  .venv/bin/matchfleet fleet status --watch --context {where.context} -n {release.NAMESPACE}
  {kubectl} apply -f crds/examples/match.yaml
  .venv/bin/matchfleet play --api {where.api_url} --players 2
  make down
"""


def _target(name: str) -> release.Target:
    where = places.own_places()
    record = records.read(name, where=where)
    if record is None:
        raise errors.ClusterError(f"cluster {name} is not up: make up")
    return release.target(records.describe(record, where=where))


def _until_ready(url: str) -> None:
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own URL
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise errors.ClusterError(f"{url}/readyz does not answer: {error}") from error
            time.sleep(0.5)


def _play(url: str, *options: str) -> int:
    return subprocess.run([MATCHFLEET, "play", "--api", url, *options], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
