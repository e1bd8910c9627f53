"""What happened to each kind lately: the source of every watch.

A watcher holds only the version it has seen. It asks for what came after, so no queue can grow
behind a slow reader; one that fell further back than the history reaches gets 410, as in etcd
after compaction.
"""

import collections
import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from matchfleet_local.cluster import errors, selection
from matchfleet_local.cluster.kinds import StorageKey


class EventType(enum.StrEnum):
    """The types of a watch event."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Change:
    """One write, with the object before and after it.

    Attributes:
        obj: the object after the write; for a deletion its last state at the new version.
        previous: the object before the write, None for a creation.
    """

    version: int
    type: EventType
    key: StorageKey
    obj: dict[str, Any]
    previous: dict[str, Any] | None

    @property
    def namespace(self) -> str:
        """The namespace of the object, empty when it has none."""
        return str(self.obj["metadata"].get("namespace", ""))

    @property
    def name(self) -> str:
        """The name of the object."""
        return str(self.obj["metadata"]["name"])


class History:
    """The last changes of each kind.

    Args:
        limit: changes kept per kind.
        floor: versions below it belong to an earlier life of the server and are always expired.
    """

    def __init__(self, *, limit: int, floor: int) -> None:
        self._limit = limit
        self._floor = floor
        self._changes: dict[StorageKey, collections.deque[Change]] = {}
        self._dropped: dict[StorageKey, int] = {}

    def record(self, change: Change) -> None:
        """Remember a change, forgetting the oldest of its kind when there are too many."""
        changes = self._changes.setdefault(change.key, collections.deque())
        changes.append(change)
        if len(changes) > self._limit:
            self._dropped[change.key] = changes.popleft().version

    def since(self, key: StorageKey, version: int) -> tuple[Change, ...]:
        """The changes of a kind after a version, oldest first.

        Raises:
            Expired: some of them are forgotten.
        """
        oldest = self._dropped.get(key, self._floor)
        if version < oldest:
            raise errors.Expired(f"too old resource version: {version} ({oldest})")
        recent: list[Change] = []
        for change in reversed(self._changes.get(key, ())):
            if change.version <= version:
                break
            recent.append(change)
        return tuple(reversed(recent))


@dataclass(frozen=True, slots=True)
class Event:
    """What one watcher is told."""

    type: EventType
    obj: dict[str, Any]


def seen_through(
    selector: selection.Selector, namespace: str, changes: Iterable[Change]
) -> tuple[Event, ...]:
    """The changes as a watcher with this selector and namespace sees them.

    An object that begins to match is ADDED, one that ceases to match is DELETED (with its last
    matching state), whatever the write itself was.
    """
    events = []
    for change in changes:
        if namespace and change.namespace != namespace:
            continue
        event = _through(selector, change)
        if event is not None:
            events.append(event)
    return tuple(events)


def _through(selector: selection.Selector, change: Change) -> Event | None:
    before = change.previous is not None and selector.matches(change.previous)
    after = change.type is not EventType.DELETED and selector.matches(change.obj)
    if after:
        return Event(EventType.MODIFIED if before else EventType.ADDED, change.obj)
    if before and change.previous is not None:
        last = change.obj if change.type is EventType.DELETED else change.previous
        return Event(EventType.DELETED, _at_version(last, change.version))
    return None


def _at_version(obj: Mapping[str, Any], version: int) -> dict[str, Any]:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}
