"""The few things we ask of a Docker engine, by its command line.

No BuildKit: Debian's docker.io comes without buildx. Builds use the host's network, because on a
machine with a resolver on loopback the bridge network finds no names.
"""

import json
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.cluster import commands, errors

PULL_TIMEOUT_S = 900


def has_image(name: str) -> bool:
    """Whether the engine holds an image under this name."""
    return image_id(name) is not None


def image_id(name: str) -> str | None:
    """The id of an image, or None."""
    said = commands.attempt(["docker", "image", "inspect", "--format", "{{.Id}}", name])
    return said.strip() if said else None


def build(
    tag: str,
    *,
    context: Path,
    dockerfile: Path | None = None,
    arguments: Mapping[str, str] | None = None,
) -> None:
    """Builds a context into `tag`; the tag appears only when the build is complete."""
    words = [word for key, value in (arguments or {}).items() for word in _argument(key, value)]
    commands.run(
        [
            *("docker", "build", "--network=host", "--force-rm", "-t", tag),
            *("-f", dockerfile or context / "Dockerfile"),
            *words,
            context,
        ],
        env={"DOCKER_BUILDKIT": "0"},
        timeout_s=1800,
    )


def _argument(key: str, value: str) -> tuple[str, str]:
    return "--build-arg", f"{key}={value}"


def tag(source: str, *names: str) -> None:
    """Gives an image further names."""
    for name in names:
        commands.run(["docker", "tag", source, name])


def pull(name: str) -> bool:
    """Pulls an image; False where it cannot be had."""
    return commands.attempt(["docker", "pull", "-q", name], timeout_s=PULL_TIMEOUT_S) is not None


def push(name: str) -> None:
    """Pushes an image to the registry in its name."""
    commands.run(["docker", "push", "-q", name], timeout_s=PULL_TIMEOUT_S)


def load_root(archive: Path, name: str) -> None:
    """Makes an image out of a root file system's archive."""
    commands.run(["docker", "import", archive, name], timeout_s=600)


def execute(container: str, *words: str, timeout_s: float = 60) -> str:
    """Runs a program in a container."""
    return commands.run(["docker", "exec", container, *words], timeout_s=timeout_s)


def wait_for(container: str, *words: str, timeout_s: float) -> None:
    """Waits until a program succeeds in a container.

    Raises:
        NotHealthy: It did not within the time; the container's output is in the message.
    """
    deadline = time.monotonic() + timeout_s
    while commands.attempt(["docker", "exec", container, *words]) is None:
        if time.monotonic() > deadline:
            output = commands.attempt(["docker", "logs", "--tail", "15", container]) or ""
            raise errors.NotHealthy(f"{container} is not up after {timeout_s:.0f} s:\n{output}")
        time.sleep(0.3)


def remove_containers(*names: str) -> None:
    """Removes containers whether they run or not; unknown names are fine."""
    commands.attempt(["docker", "rm", "-f", "-v", *names], timeout_s=120)


def inspect(names: Sequence[str]) -> list[dict[str, Any]]:
    """Docker's description of containers that exist."""
    said = commands.attempt(["docker", "inspect", "--type=container", *names]) if names else None
    found: list[dict[str, Any]] = json.loads(said) if said else []
    return found


def containers(*filters: str) -> list[str]:
    """Names of all containers, running or not, that match Docker's filters."""
    words = [word for one in filters for word in ("--filter", one)]
    said = commands.attempt(["docker", "ps", "-a", "--format", "{{.Names}}", *words])
    return (said or "").split()


def images_named(pattern: str) -> list[str]:
    """Names (`repository:tag`) of images whose name matches the pattern from its start."""
    said = commands.attempt(["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"])
    return [name for name in (said or "").split() if re.match(pattern, name)]


def pipe(source: Sequence[str], sink: Sequence[str], *, timeout_s: float) -> None:
    """Runs two programs, the output of one being the input of the other.

    Raises:
        CommandFailed: Either one failed.
    """
    with subprocess.Popen(list(source), stdout=subprocess.PIPE) as first:
        try:
            done = subprocess.run(
                list(sink),
                stdin=first.stdout,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            first.kill()
            raise commands.late(sink, timeout_s) from None
        if first.stdout:
            first.stdout.close()
        first_code = first.wait()
    for argv, code, output in ((sink, done.returncode, done.stdout), (source, first_code, "")):
        if code:
            raise commands.failed(argv, returncode=code, output=output)


def copy_out(image: str, *, source: str, target: Path) -> None:
    """Copies one file out of an image that is not running."""
    container = commands.run(["docker", "create", image]).strip().splitlines()[-1]
    try:
        commands.run(["docker", "cp", "-L", f"{container}:{source}", target])
    finally:
        remove_containers(container)


def running() -> dict[str, str]:
    """The containers that run, whoever started them, each with its kind cluster or ''."""
    shape = '{{.Names}} {{.Label "io.x-k8s.kind.cluster"}}'
    lines = (commands.attempt(["docker", "ps", "--format", shape]) or "").splitlines()
    return {name: cluster for name, _, cluster in (line.partition(" ") for line in lines)}
