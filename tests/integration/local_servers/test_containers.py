"""The servers as containers: the way of a machine where Docker answers and nothing is installed.

The published images are tried first, then the ones that this repository builds: both speak the
same variables. Without either there is nothing to run.
"""

import asyncio
import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis.asyncio

from matchfleet_local import servers
from matchfleet_local.servers import accounts, containers, packages, runs, server

BUILT = containers.Image("matchfleet/redis:dev", "", "/data", 6379)


def is_here(docker: Path, image: containers.Image) -> bool:
    command = [docker, "image", "inspect", image.reference]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> containers.Image:
    docker = containers.find_docker()
    if docker is None:
        pytest.skip("Docker does not answer on this machine")
    for image in (containers.OFFICIAL["redis"], BUILT):
        if is_here(docker, image):
            monkeypatch.setattr(containers, "OFFICIAL", {"redis": image})
            return image
    pytest.skip("no image of Redis is on this machine")


@pytest.fixture
async def contained(image: containers.Image, tmp_path: Path) -> AsyncIterator[servers.RedisServer]:
    source = packages.UseContainers({}, ("redis",))
    stores = runs.build(source, server.Place(tmp_path, accounts.ourselves()))
    await stores.start()
    yield stores.redis
    await stores.stop()
    await stores.erase()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_contained_server_comes_back_on_its_port_with_its_data(
    contained: servers.RedisServer, how: str
) -> None:
    async with redis.asyncio.Redis.from_url(contained.url) as client:
        await client.set("kept", "yes")
        await client.bgrewriteaof()  # what is older than a second would be on disk anyway
        await client.execute_command("WAITAOF", 1, 0, 2000)
    await getattr(contained, how)()
    assert not names_of(contained)
    await contained.start()
    async with redis.asyncio.Redis.from_url(contained.url) as client:
        assert await client.get("kept") == b"yes"


async def test_a_contained_server_ends_with_the_process_that_started_it(
    image: containers.Image, tmp_path: Path
) -> None:
    program = textwrap.dedent(
        """
        import asyncio, pathlib, sys
        from matchfleet_local.servers import accounts, containers, packages, runs, server

        async def main():
            containers.OFFICIAL = {"redis": containers.Image(*sys.argv[2:4], "/data", 6379)}
            place = server.Place(pathlib.Path(sys.argv[1]), accounts.ourselves())
            stores = runs.build(packages.UseContainers({}, ("redis",)), place)
            await stores.start()
            print("ready", flush=True)
            await asyncio.Event().wait()

        asyncio.run(main())
        """
    )
    words = (sys.executable, "-c", program, str(tmp_path), image.reference, image.entrypoint)
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    name = containers.name_for(tmp_path / "redis")
    watch = await events_of(name)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    gone = await asyncio.wait_for(watch, 30)
    assert json.loads(gone)["Action"] == "destroy"
    volume = await asyncio.create_subprocess_exec(
        *("docker", "volume", "rm", name), stdout=asyncio.subprocess.DEVNULL
    )
    assert await volume.wait() == 0


async def events_of(name: str) -> "asyncio.Task[bytes]":
    """The line that Docker writes when the container is gone."""
    events = await asyncio.create_subprocess_exec(
        *("docker", "events", "--format", "{{json .}}"),
        *("--filter", f"container={name}", "--filter", "event=destroy"),
        stdout=asyncio.subprocess.PIPE,
    )

    async def first() -> bytes:
        assert events.stdout
        try:
            return await events.stdout.readline()
        finally:
            events.kill()
            await events.communicate()

    return asyncio.create_task(first())


def names_of(contained: servers.RedisServer) -> str:
    name = containers.name_for(contained.recipe.home)
    command = ["docker", "ps", "--quiet", "--filter", f"name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
