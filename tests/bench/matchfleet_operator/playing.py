"""Ends matches as their game servers would: the result as the container's last words, exit 0."""

import asyncio
import datetime
import heapq
import itertools
import time
from collections.abc import Callable

from matchfleet_contracts import clock, results
from tests.bench.matchfleet_operator import api
from tests.bench.matchfleet_operator.ledger import Ledger, Life

TICK_HZ = 60


async def play(http: api.Api, ledger: Ledger, *, length_s: Callable[[], float]) -> None:
    """Lets each Match of the ledger play for a while after it is Ready, until cancelled."""
    due: list[tuple[float, int, Life]] = []
    numbers = itertools.count()
    ending: set[asyncio.Task[None]] = set()
    while True:
        wait_s = due[0][0] - time.perf_counter() if due else None
        try:
            async with asyncio.timeout(wait_s if wait_s is None else max(0.0, wait_s)):
                _, life = await ledger.newly_ready.get()
            heapq.heappush(due, (time.perf_counter() + length_s(), next(numbers), life))
        except TimeoutError:
            task = asyncio.create_task(end(http, heapq.heappop(due)[2]))
            ending.add(task)
            task.add_done_callback(ending.discard)


async def end(http: api.Api, life: Life) -> None:
    """Writes the end of one match into its pod's status."""
    at = datetime.datetime.now(datetime.UTC).replace(microsecond=0)  # noqa: TID251  a kubelet's
    text = clock.rfc3339(at).replace(".000000", "")
    ended = {"exitCode": 0, "reason": "Completed", "message": _result(life), "finishedAt": text}
    container = {
        "name": "game",
        "image": "game:1",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"terminated": ended},
    }
    status = {
        "phase": "Succeeded",
        "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": text}],
        "containerStatuses": [container],
    }
    try:
        await http.call("PATCH", http.path("pods", life.pod, "status"), {"status": status})
    except api.Refused as refused:
        # A server that was taken from its match meanwhile; the ledger finds the match lost.
        if refused.status not in {404, 409}:
            raise


def _result(life: Life) -> str:
    standings = [
        results.Standing(seat=seat, team=seat, rank=seat + 1, score=3 - seat) for seat in (0, 1)
    ]
    told = results.Result(
        match_uid=life.uid,
        outcome=results.Outcome.COMPLETED,
        standings=standings,
        ticks=1200,
        tick_hz=TICK_HZ,
        achieved_hz=60.0,
        late_ticks=0,
    )
    return results.encode(told).decode()
