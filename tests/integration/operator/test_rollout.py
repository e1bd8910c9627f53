"""Rollouts and scaling against a real API server: what its schema allows, and what it keeps."""

import json

import pytest
from operator_bench import Bench

pytestmark = pytest.mark.control_plane


def with_image(image: str) -> dict[str, object]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "game", "image": image}]}}}}


async def fleet(bench: Bench) -> dict[str, object]:
    found: dict[str, object] = await bench.call("GET", bench.path("fleets", "eu"))
    return found


async def test_kubectl_scale_sets_warm_and_is_refused_above_max(bench, with_crds):
    await bench.apply_fleet(warm=1, most=4)
    words = ("scale", "fleets.matchfleet.dev/eu", "-n", bench.namespace)
    with_crds.kubectl(*words, "--replicas=4")
    assert (await fleet(bench))["spec"]["warm"] == 4
    with pytest.raises(Exception, match=r"warm .* cannot be more than max"):
        with_crds.kubectl(*words, "--replicas=5")
    assert (await fleet(bench))["spec"]["warm"] == 4


async def test_the_scale_subresource_reads_idle_and_refuses_more_than_max(bench):
    await bench.apply_fleet(warm=1, most=4)
    async with bench.operating():
        await bench.until_pods_run(1)

        async def counted() -> bool:
            scale = await bench.call("GET", bench.path("fleets", "eu", "scale"))
            selector = scale["status"].get("selector", "")
            return scale["status"]["replicas"] == 1 and "matchfleet.dev/state=idle" in selector

        await bench.until(counted)
        with pytest.raises(AssertionError, match="cannot be more than max"):
            await bench.call(
                "PATCH", bench.path("fleets", "eu", "scale"), {"spec": {"replicas": 5}}
            )
        await bench.call("PATCH", bench.path("fleets", "eu", "scale"), {"spec": {"replicas": 2}})
        await bench.until_pods_run(2)


async def test_a_rollout_replaces_idle_servers_and_a_bad_one_is_taken_back_after_a_restart(bench):
    await bench.apply_fleet(warm=2)
    strategy = {"strategy": {"progressDeadlineSeconds": 10}, "crashBudget": {"count": 2}}
    await bench.call("PATCH", bench.path("fleets", "eu"), {"spec": strategy})

    async def rolled(image: str) -> bool:
        await start(bench)
        idle = [
            p["spec"]["containers"][0]["image"]
            for p in await bench.pods()
            if "finalizers" not in p["metadata"] and "deletionTimestamp" not in p["metadata"]
        ]
        return idle == [image] * 2

    async with bench.operating():
        found = await bench.ready_match("live")
        await bench.call("PATCH", bench.path("fleets", "eu"), with_image("game:2"))
        await bench.until(lambda: rolled("game:2"))
        assert (await bench.match("live"))["status"]["phase"] == "Ready"
        await bench.play(found)
        await bench.until_phase("Completed", "live")
        await bench.call("PATCH", bench.path("fleets", "eu"), with_image("crash:1"))

        async def has_crashed() -> bool:
            await start(bench)
            told = (await fleet(bench))["status"]["revisions"]
            return any(r.get("crashes") for r in told)

        await bench.until(has_crashed)
    async with bench.operating():

        async def given_up() -> bool:
            await start(bench)
            return bool((await fleet(bench))["status"].get("blockedRevision"))

        await bench.until(given_up, within_s=30)
        await bench.until(lambda: rolled("game:2"))
    told = (await fleet(bench))["status"]
    assert told["blockedRevision"] == max(told["revisions"], key=lambda r: r["number"])["revision"]
    path = f"/apis/apps/v1/namespaces/{bench.namespace}/controllerrevisions"
    kept = (await bench.call("GET", path))["items"]
    assert sorted(r["revision"] for r in kept) == [1, 2, 3], json.dumps(told)


async def start(bench: Bench) -> None:
    """The kubelet's part: crash:1 exits as it starts, all else runs; who is stopped stops."""
    for pod in await bench.pods():
        meta, status = pod["metadata"], pod["status"]
        if "deletionTimestamp" in meta:
            if status["phase"] in {"Pending", "Running"}:
                await bench.end_pod(meta["name"], exit_code=143, reason="Error")
        elif status["phase"] == "Pending" and not status.get("containerStatuses"):
            if pod["spec"]["containers"][0]["image"] == "crash:1":
                await bench.end_pod(meta["name"], exit_code=1, reason="Error")
            else:
                await bench.run_pod(meta["name"])
