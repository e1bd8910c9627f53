"""The servers start, stop, crash and come back; and nothing of them is ever left.

These tests run servers of their own, through the command line, because what they ask is what
happens when that very process is stopped or killed.
"""

import asyncio
import contextlib
import dataclasses
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import asyncpg
import leftovers
import pytest
import redis.asyncio

from matchfleet_local import servers
from matchfleet_local.servers import accounts, errors, processes, rabbitmq, runs, server
from matchfleet_local.servers import redis as redis_recipe


@pytest.fixture
def directory() -> Iterator[Path]:
    # Not tmp_path: pytest closes that to the account that serves.
    with tempfile.TemporaryDirectory(prefix="matchfleet-servers-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "servers"


@contextlib.asynccontextmanager
async def command_line(
    directory: Path, *options: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, str]]]:
    """`python -m matchfleet_local.servers`, once it has printed its addresses."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "matchfleet_local.servers",
        "--dir",
        str(directory),
        *options,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), 120)
        yield process, json.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def descendants(pid: int) -> tuple[processes.Identity, ...]:
    known = processes.identify(pid)
    assert known
    return processes.family(known)[1:]


def owners(members: tuple[processes.Identity, ...]) -> set[int]:
    return {Path(f"/proc/{member.pid}").stat().st_uid for member in members}


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_postgresql_comes_back_with_what_was_committed(
    postgres_server: servers.PostgresServer, postgres_dsn: str, how: str
) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('yes')")
    await getattr(postgres_server, how)()
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await asyncpg.connect(postgres_dsn, timeout=5)
    await connection.close(timeout=1)
    await postgres_server.start()
    connection = await asyncpg.connect(postgres_dsn)
    try:
        assert await connection.fetchval("SELECT word FROM kept") == "yes"
    finally:
        await connection.close()


async def test_redis_comes_back_with_its_keys(
    redis_server: servers.RedisServer, redis_url: str
) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.set("kept", "yes")
    await redis_server.stop()
    assert not redis_server.is_running
    await redis_server.start()
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        assert await client.get("kept") == b"yes"


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_rabbitmq_comes_back_with_its_confirmed_messages(
    rabbitmq_server: servers.RabbitServer, rabbitmq_url: str, how: str
) -> None:
    quorum = {"x-queue-type": "quorum"}
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments=quorum)
    # RabbitMQ 3.10 registers a new quorum queue on disk up to a second later; stopping flushes it.
    await rabbitmq_server.stop()
    await rabbitmq_server.start()
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        message = aio_pika.Message(b"yes", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, routing_key="kept")
    await getattr(rabbitmq_server, how)()
    with pytest.raises(ConnectionError):
        await aio_pika.connect(rabbitmq_url, timeout=5)
    await rabbitmq_server.start()
    async with await aio_pika.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("kept", durable=True, arguments=quorum)
        received = await queue.get(timeout=10)
        assert received.body == b"yes"


async def test_a_broker_that_lives_for_more_than_a_minute_starts_no_epmd(
    rabbitmq_server: servers.RabbitServer,
) -> None:
    # What RabbitMQ does every minute, now.
    check = "gen_server:cast(rabbit_epmd_monitor, check), sys:get_state(rabbit_epmd_monitor)"
    await rabbitmq_server._evaluate(f"{check}, {rabbitmq.DONE}.\n")
    ours = leftovers.mentioning(rabbitmq_server.recipe.home)
    assert ours, "the broker itself"
    assert not [words for words in ours if words.split()[0].endswith("/epmd")]


async def test_a_stop_signal_ends_everything_and_empties_the_directory(directory: Path) -> None:
    async with command_line(directory) as (process, addresses):
        assert set(addresses) == {"postgres", "redis", "rabbitmq"}
        family = descendants(process.pid)
        assert len(family) > 3
        assert owners(family) == {accounts.for_servers().uid}
        assert not any(name_of(member) == "epmd" for member in family)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 60) == 0
        assert not any(processes.is_alive(member) for member in family)
    assert is_gone(directory)


async def test_a_killed_parent_takes_all_its_servers_with_it(directory: Path) -> None:
    async with command_line(directory) as (process, _):
        family = descendants(process.pid)
        process.kill()
        await process.wait()
        assert await processes.gone(family, within_s=30)


async def test_what_a_killed_run_left_is_ended_by_the_next_one(directory: Path) -> None:
    async with command_line(directory, "--only", "redis") as (process, _):
        (redis_process,) = descendants(process.pid)
        assert server.read_pid_file(directory / "redis.pid.json") == redis_process
        process.kill()
        await process.wait()
    # The kernel ends our servers with us; a server that escaped is stood in for by a sleeper.
    orphan = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    known = processes.identify(orphan.pid)
    assert known
    (directory / "redis.pid.json").write_text(json.dumps(dataclasses.asdict(known)))
    async with servers.running(directory, postgres=False, rabbitmq=False) as stores:
        assert stores.redis.is_running
        assert await orphan.wait() == -signal.SIGKILL


async def test_a_run_that_is_torn_down_while_it_stops_leaves_nothing(directory: Path) -> None:
    async def run(ready: asyncio.Event) -> None:
        async with servers.running(directory, postgres=False, redis=False) as stores:
            assert stores.rabbitmq.pid
            main = processes.identify(stores.rabbitmq.pid)
            assert main
            family.extend(processes.family(main))
            ready.set()

    family: list[processes.Identity] = []
    ready = asyncio.Event()
    task = asyncio.create_task(run(ready))
    await ready.wait()
    task.cancel()  # RabbitMQ takes a second to stop, and is interrupted in it
    with pytest.raises(asyncio.CancelledError):
        await task
    assert family
    assert is_gone(directory)
    assert await processes.gone(family, within_s=10)


async def test_what_killed_runs_left_elsewhere_is_swept_up(tmp_path: Path) -> None:
    left, held, kept = (tmp_path / name for name in ("left", "held", "kept"))
    for home in (left, held, kept):
        (home / "redis").mkdir(parents=True)
        (home / "redis.pid.json").touch()
    (kept / runs.KEPT_FILE).touch()
    with runs.held(held, accounts.ourselves(), keep=False):
        runs.sweep((left, held, kept))
        assert [is_gone(home) for home in (left, held, kept)] == [True, False, False]


async def test_a_directory_in_use_is_refused(directory: Path) -> None:
    async with servers.running(directory, postgres=False, rabbitmq=False) as first:
        with pytest.raises(errors.DirectoryRefused, match="another run is using it"):
            async with servers.running(directory, postgres=False, rabbitmq=False):
                pytest.fail("two runs share a directory")
        assert first.redis.is_running


async def test_kept_data_is_there_for_the_next_run(directory: Path) -> None:
    for run in (1, 2):
        async with (
            servers.running(directory, postgres=False, rabbitmq=False, keep=True) as stores,
            redis.asyncio.Redis.from_url(stores.redis.url) as client,
        ):
            assert await client.incr("runs") == run


async def test_a_server_that_cannot_start_shows_the_end_of_its_log(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_recipe, "DATABASES", "many")
    with pytest.raises(errors.ServerFailed, match="databases many") as refused:
        await servers.running(directory, postgres=False, rabbitmq=False).__aenter__()
    assert refused.value.server == "redis"
    assert is_gone(directory)


def is_gone(path: Path) -> bool:
    return not path.exists()


def name_of(member: processes.Identity) -> str:
    return Path(f"/proc/{member.pid}/comm").read_text().strip()
