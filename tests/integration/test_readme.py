"""README.md's first command, as a newcomer without a terminal runs it."""

import os
import subprocess
from pathlib import Path

import leftovers
import readme

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".build" / "demo"
WITHIN_S = 240


def test_make_demo_plays_a_match_tells_where_everything_is_and_leaves_nothing() -> None:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["bash", "-c", readme.shell("make demo")],
        cwd=ROOT,
        env=inherited,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for said in (
        "queues for",
        "is matched against",
        "server is ready at ws://127.64.",
        "score",
        "the result is recorded",
        "is rated 1500 -> ",
        "/docs",
        "/metrics",
        "kubectl get matches,fleets,pods",
    ):
        assert said in done.stdout, f"{said!r} is missing from:\n{done.stdout}"
    leftovers.until_nothing_is_left(HOME)
    assert not HOME.exists()
