"""README.md's first command, as a newcomer without a terminal runs it."""

import os
import subprocess
from pathlib import Path

import readme

ROOT = Path(__file__).parents[2]
WITHIN_S = 240


def test_make_demo_plays_a_match_and_ends() -> None:
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
        "is matched",
        "server is ready at",
        "score",
        "result",
        "is rated",
        "kubectl",
    ):
        assert said in done.stdout.lower(), f"{said!r} is missing from:\n{done.stdout}"
