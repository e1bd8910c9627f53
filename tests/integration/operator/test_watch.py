"""What happens to the operator when its watch, its API server or its rights fail."""

import asyncio
import dataclasses
import threading
import time

import pytest

from matchfleet_operator.watching import handlers

pytestmark = pytest.mark.control_plane


async def test_a_watch_that_ends_is_started_again_and_nothing_is_missed(bench):
    async with bench.operating(audit_seconds=3600) as operator:
        await bench.apply_fleet(warm=1)
        await bench.until_pods_run(1)
        ended = [t for t in threading.enumerate() if isinstance(t, handlers.Watching)]
        for watching in ended:
            watching.stop()
            await asyncio.to_thread(watching.join, 10)
        await bench.apply_match("meanwhile")
        found = await bench.until_phase("Ready", "meanwhile")
        await bench.play(found)
        await bench.until_phase("Completed", "meanwhile")
        await bench.until(lambda: _is_well(operator))


async def test_kopf_reports_what_it_lists_what_changes_and_what_goes(bench):
    heard = []
    await bench.apply_match("there")

    def tell(kind, change, found, received_at) -> None:
        assert received_at <= time.monotonic()
        heard.append((kind.plural, change, found["metadata"]["name"]))

    watching = handlers.Watching(tell, bench.reach, [bench.namespace])
    watching.start()
    try:
        await bench.until(lambda: _is_in(heard, ("matches", None, "there")))
        await bench.apply_match("new")
        await bench.until(lambda: _is_in(heard, ("matches", "ADDED", "new")))
        await bench.delete("matches", "new")
        await bench.until(lambda: _is_in(heard, ("matches", "DELETED", "new")))
    finally:
        watching.stop()
        await asyncio.to_thread(watching.join, 15)
    assert not watching.is_alive()
    found = await bench.match("there")
    assert "annotations" not in found["metadata"], "kopf wrote on the Match"
    assert "finalizers" not in found["metadata"], "kopf holds on to the Match"


async def _is_well(operator) -> bool:
    return operator.board.report() is None


async def _is_in(heard, what) -> bool:
    return what in heard


async def test_a_watch_that_nobody_lets_in_ends_and_says_why(bench):
    nobody = dataclasses.replace(bench.reach, token="nobody")
    watching = handlers.Watching(lambda *_: None, nobody, [bench.namespace])
    watching.start()
    await asyncio.to_thread(watching.join, 30)
    assert not watching.is_alive()
    assert "credentials" in str(watching.failure)
