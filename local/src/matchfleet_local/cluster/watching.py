"""One watch: the objects there are, then every change, bookmarks in between.

The stream ends by the client's timeout, by the client leaving, or with an ERROR event when the
client fell further behind than the history reaches.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from matchfleet_local.cluster import errors, history, selection
from matchfleet_local.cluster.history import Event, EventType
from matchfleet_local.cluster.kinds import Kind
from matchfleet_local.cluster.live import Live

_INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}


@dataclass(frozen=True, slots=True)
class Watch:
    """What a client asked to watch.

    Attributes:
        since: the version to go on from; None begins with all objects as ADDED.
        send_initial: a streaming list; its end is marked by a bookmark.
        timeout_s: when to end the stream.
    """

    kind: Kind
    namespace: str
    selector: selection.Selector
    since: int | None
    bookmarks: bool
    send_initial: bool
    timeout_s: float


def bookmark(kind: Kind, version: int, annotations: dict[str, str] | None = None) -> Event:
    """An event that carries a version and nothing else."""
    metadata: dict[str, Any] = {"resourceVersion": str(version), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    body = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
    return Event(EventType.BOOKMARK, body)


async def events(
    watch: Watch, live: Live, *, bookmark_every_s: float
) -> AsyncIterator[tuple[Event, ...]]:
    """The events of a watch, in batches, until its time is up."""
    store, key = live.store, watch.kind.key
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + watch.timeout_s
    with live.alarm(key) as alarm:
        seen = store.version if watch.since is None else watch.since
        if watch.since is None:
            yield _initial(watch, live)
        while True:
            alarm.clear()
            try:
                changes = store.history.since(key, seen)
            except errors.Expired as error:
                yield (Event(EventType.ERROR, error.status()),)
                return
            seen = max(seen, store.version)
            if changes:
                yield history.seen_through(watch.selector, watch.namespace, changes)
                continue
            left_s = ends_at - loop.time()
            if left_s <= 0:
                if watch.bookmarks:
                    yield (bookmark(watch.kind, seen),)
                return
            if not await _rings(alarm, min(left_s, bookmark_every_s)) and watch.bookmarks:
                yield (bookmark(watch.kind, max(seen, store.version)),)


def _initial(watch: Watch, live: Live) -> tuple[Event, ...]:
    found = tuple(
        Event(EventType.ADDED, obj)
        for obj in live.store.select(watch.kind, watch.namespace, watch.selector)
    )
    if watch.send_initial and watch.bookmarks:
        return (*found, bookmark(watch.kind, live.store.version, _INITIAL_EVENTS_END))
    return found


async def _rings(alarm: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await alarm.wait()
    except TimeoutError:
        return False
    return True
