"""The operator's shell against a real API server: watch, audit, writes, and what is left behind."""

import time

import pytest

from matchfleet_contracts.events import EndedAs, MatchEnded

MANY = 10_000

pytestmark = pytest.mark.control_plane


def ended(bench) -> list[MatchEnded]:
    return [e.data for e in bench.publisher.published if isinstance(e.data, MatchEnded)]


async def has_failed(bench) -> bool:
    return bench.publisher.failures < MANY


async def no_pods(bench) -> bool:
    return not await bench.pods()


async def test_a_match_goes_from_created_to_completed_and_leaves_no_pod(bench):
    async with bench.operating():
        await bench.apply_fleet()
        found = await bench.ready_match()
        assert found["status"]["players"] == "2 bots"
        assert found["status"]["server"]["url"] == "ws://127.0.0.1:7777"
        await bench.play(found)
        done = await bench.until_phase("Completed")
        assert done["status"]["result"]["ticks"] == 1200
        await bench.until(lambda: no_pods(bench))
    assert [e.ended_as for e in ended(bench)] == [EndedAs.COMPLETED]


async def test_a_server_that_is_killed_fails_its_match_within_seconds(bench):
    async with bench.operating():
        await bench.apply_fleet()
        found = await bench.ready_match()
        began = time.monotonic()
        await bench.end_pod(found["status"]["server"]["pod"], exit_code=137, reason="OOMKilled")
        failed = await bench.until_phase("Failed")
        assert time.monotonic() - began < 5
        assert failed["status"]["reason"] == "ServerLost"
        await bench.until(lambda: no_pods(bench))


async def test_a_result_survives_the_broker_and_the_operator_and_its_own_match(bench):
    async with bench.operating():
        await bench.apply_fleet()
        found = await bench.ready_match()
        bench.publisher.failures = MANY
        await bench.play(found)
        await bench.until(lambda: has_failed(bench))
    await bench.delete("matches", "m1")
    assert len(await bench.pods()) == 1
    bench.publisher.failures = 0
    async with bench.operating():
        await bench.until(lambda: no_pods(bench))
    assert [e.ended_as for e in ended(bench)] == [EndedAs.COMPLETED]


async def test_a_namespace_that_is_deleted_ends_though_nothing_can_be_published(bench):
    async with bench.operating():
        await bench.apply_fleet(warm=1)
        found = await bench.ready_match()
        bench.publisher.failures = MANY
        pod = found["status"]["server"]["pod"]
        await bench.call("DELETE", f"/api/v1/namespaces/{bench.namespace}")

        async def released() -> bool:
            found = [p for p in await bench.pods() if p["metadata"]["name"] == pod]
            return not found or "finalizers" not in found[0]["metadata"]

        await bench.until(released)


async def test_events_tell_what_became_of_a_match_when_all_are_wanted(bench):
    async with bench.operating(event_detail="all"):
        await bench.apply_fleet()
        found = await bench.ready_match()
        await bench.play(found)
        await bench.until_phase("Completed")

        async def told() -> bool:
            events = (await bench.call("GET", bench.path("events")))["items"]
            return {"Ready", "Completed"} <= {e["reason"] for e in events}

        await bench.until(told)


async def test_an_operator_that_ends_with_its_namespace_lets_go_of_everything_first(bench):
    async with bench.operating():
        await bench.apply_fleet(warm=1)
        found = await bench.ready_match()
        bench.publisher.failures = MANY
        await bench.call("DELETE", f"/api/v1/namespaces/{bench.namespace}")
    left = {p["metadata"]["name"]: p["metadata"] for p in await bench.pods()}
    assert "finalizers" not in left.get(found["status"]["server"]["pod"], {})
