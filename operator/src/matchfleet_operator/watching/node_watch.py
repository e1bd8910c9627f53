"""Watches nodes where they may be read, apart from everything else.

The right to read nodes is cluster-wide and may be refused, or taken away, at any time. So this is a
kopf of its own in a thread of its own: when it ends, the watch over Matches and pods goes on, the
complete list of each audit stands in for it, and it is tried again after a while.
"""

import asyncio
import random

import structlog

from matchfleet_contracts import clock
from matchfleet_operator import metrics
from matchfleet_operator.acting.kube import Kind, Object
from matchfleet_operator.watching import handlers
from matchfleet_operator.watching.access import Access
from matchfleet_operator.watching.nodes import Nodes

log = structlog.get_logger(__name__)

POLL_S = 1.0
RETRY_S = 30.0
JOIN_S = 3.0


async def watch(nodes: Nodes, clock: clock.Clock, access: Access, namespace: str) -> None:
    """Keeps a watch over nodes whenever they may be read; never ends by itself."""
    loop = asyncio.get_running_loop()

    def told(_: Kind, change: str | None, found: Object, __: float) -> None:
        loop.call_soon_threadsafe(lambda: nodes.tell(change, found, clock.now()))

    while True:
        while not nodes.readable:  # noqa: ASYNC110  the audit finds it out, at its own pace
            await asyncio.sleep(POLL_S)
        watching = handlers.Watching(told, access, [namespace], handlers.NODES_ONLY)
        watching.start()
        try:
            while watching.is_alive() and nodes.readable:  # noqa: ASYNC110  a thread, and the audit
                await asyncio.sleep(POLL_S)
        finally:
            watching.stop()
            await asyncio.to_thread(watching.join, JOIN_S)
        metrics.NODE_WATCH_ENDS.inc()
        log.warning("node_watch_ended", why=repr(watching.failure), again_in_s=RETRY_S)
        await asyncio.sleep(RETRY_S * random.uniform(0.7, 1.0))
