"""Matches keep one contract, in memory and through `kubernetes.aio` on the local cluster."""

import asyncio
import contextlib
import uuid

import pytest

from matchfleet_adapters import errors
from matchfleet_adapters.kubernetes import cluster, connection, matches, memory
from matchfleet_contracts import resources
from matchfleet_contracts.ids import MatchName

SPEC = {"game": "airhockey", "mode": "blitz", "region": "eu", "fleets": ["airhockey-eu"]}
ANNOTATIONS = {resources.ANNOTATION_ORIGIN: "api", resources.ANNOTATION_SPEC_DIGEST: "d"}


@pytest.fixture(params=["memory", "cluster"])
async def found(request):
    if request.param == "memory":
        yield memory.MemoryMatches()
        return
    local = request.getfixturevalue("local_api")
    async with connection.connected(local.kubeconfig) as api_client:
        yield cluster.ClusterMatches(
            api_client,
            "default",
            settings=cluster.ClusterSettings(request_timeout_s=5, watch_timeout_s=2),
        )


@pytest.fixture
def name():
    return MatchName(f"m-{uuid.uuid4()}")


async def create(found, name):
    return await found.create(name, spec=SPEC, annotations=ANNOTATIONS)


async def test_what_is_created_is_found(found, name):
    made = await create(found, name)
    assert (made.name, made.phase, made.is_ours) == (name, resources.Phase.PENDING, True)
    assert (await found.get(name)).uid == made.uid
    assert name in {m.name for m in await found.snapshot()}


async def test_a_name_is_given_once(found, name):
    await create(found, name)
    with pytest.raises(errors.ResourceExists):
        await create(found, name)


async def test_what_is_not_valid_is_refused(found, name):
    with pytest.raises(errors.ResourceRefused):
        await found.create(name, spec={"game": "airhockey"}, annotations={})


async def test_what_is_not_there_is_gone(found, name):
    for call in (
        found.get(name),
        found.cancel(name),
        found.delete(name, uid="u", resource_version="1"),
    ):
        with pytest.raises(errors.ResourceGone):
            await call


async def test_a_match_is_cancelled_once_or_twice(found, name):
    await create(found, name)
    await found.cancel(name)
    await found.cancel(name)
    assert (await found.get(name)).spec["desired"] == "Cancel"


async def test_only_what_was_read_is_deleted(found, name):
    made = await create(found, name)
    await found.cancel(name)
    with pytest.raises(errors.ResourceConflict):
        await found.delete(name, uid=made.uid, resource_version=made.resource_version)
    now = await found.get(name)
    with pytest.raises(errors.ResourceConflict):
        await found.delete(name, uid="another", resource_version=now.resource_version)
    await found.delete(name, uid=now.uid, resource_version=now.resource_version)
    with pytest.raises(errors.ResourceGone):
        await found.get(name)


async def test_a_watch_begins_with_what_is_there_and_goes_on(found, name):
    await create(found, name)
    async with asyncio.timeout(20), contextlib.aclosing(found.watch()) as watching:
        first = await anext(watching)
        assert isinstance(first, matches.Listed)
        assert name in {m.name for m in first.matches}
        other = MatchName(f"m-{uuid.uuid4()}")
        made = await create(found, other)
        changed = await until(watching, matches.Changed, other)
        assert changed.match.uid == made.uid
        await found.cancel(other)
        changed = await until(watching, matches.Changed, other)
        assert changed.match.spec["desired"] == "Cancel"
        now = await found.get(other)
        await found.delete(other, uid=now.uid, resource_version=now.resource_version)
        assert (await until(watching, matches.Removed, other)).match.uid == made.uid


async def test_a_watch_outlives_the_stretches_in_which_it_is_served(found, name, monkeypatch):
    stretches = 0
    is_served_anew = asyncio.Event()
    begin = cluster.ClusterMatches._stretch

    def counted(self, version):
        nonlocal stretches
        stretches += 1
        if stretches > 1:
            is_served_anew.set()
        return begin(self, version)

    monkeypatch.setattr(cluster.ClusterMatches, "_stretch", counted)
    if not isinstance(found, cluster.ClusterMatches):
        is_served_anew.set()

    async def create_then():
        await is_served_anew.wait()
        await create(found, name)

    async with asyncio.timeout(30), contextlib.aclosing(found.watch()) as watching:
        await anext(watching)
        async with asyncio.TaskGroup() as group:
            group.create_task(create_then())
            assert (await until(watching, matches.Changed, name)).match.name == name


async def test_servers_are_listed(found):
    assert await found.servers() == []


async def test_an_api_server_that_is_away_is_told(tmp_path, unused_tcp_port):
    config = tmp_path / "kubeconfig"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
        "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
        "users: [{name: u, user: {token: t}}]\n"
        f"clusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{unused_tcp_port}'}}}}]\n"
    )
    async with connection.connected(config) as api_client:
        away = cluster.ClusterMatches(api_client, "default")
        with pytest.raises(errors.Unavailable):
            await away.snapshot()
        with pytest.raises(errors.Unavailable):
            await anext(away.watch())


async def test_outside_a_cluster_and_without_a_kubeconfig_a_process_says_so(tmp_path):
    with pytest.raises(errors.Unavailable):
        async with connection.connected(tmp_path / "nowhere"):
            raise AssertionError("there is no such file")


async def until(watching, kind, name):
    async for event in watching:
        if isinstance(event, kind) and event.match.name == name:
            return event
    raise AssertionError("a watch does not end")
