"""The cluster half of README.md, run word for word on the cluster of these stories."""

import os
import subprocess
from pathlib import Path

import commands
import pytest
import readme

ROOT = Path(__file__).parents[2]
WITHIN_S = 120


def run(block: str) -> str:
    """The output of a shell block, with the cluster's own name in the place of `matchfleet`."""
    context = os.environ["MATCHFLEET_E2E_CONTEXT"]
    done = subprocess.run(
        ["bash", "-euc", block.replace("--context kind-matchfleet", f"--context {context}")],
        cwd=ROOT,
        env=os.environ | {"PATH": commands.search_path(os.environ)},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.kind
@pytest.mark.alone  # a story applies the same example
async def test_the_match_of_the_readme_becomes_ready() -> None:
    listed = run(readme.shell("kubectl"))
    assert "condition met" in listed
    assert "match.matchfleet.dev/example" in listed
    run("kubectl --context kind-matchfleet -n matchfleet delete match example")


@pytest.mark.kind
async def test_the_helm_command_of_the_readme_is_accepted() -> None:
    context = os.environ["MATCHFLEET_E2E_CONTEXT"]
    command = readme.shell("helm upgrade").strip()
    listed = run(f"{command} --dry-run=server --kube-context {context}")
    assert "is installed as matchfleet in namespace matchfleet" in listed
