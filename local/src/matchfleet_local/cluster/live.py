"""The store with a clock and an audience: the one object that all shells of the cluster share.

A write goes in by `apply`; every listener hears of its changes before `apply` returns, in order.
Watches do not listen: they wait for their kind's alarm and read the history.
"""

import asyncio
import contextlib
import datetime
from collections.abc import Callable, Iterator

from matchfleet_local.cluster import requests
from matchfleet_local.cluster.history import Change
from matchfleet_local.cluster.kinds import StorageKey
from matchfleet_local.cluster.store import Store

Clock = Callable[[], datetime.datetime]
Listener = Callable[[Change], None]


class Live:
    """A store in use."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._listeners: list[Listener] = []
        self._alarms: dict[StorageKey, set[asyncio.Event]] = {}

    def listen(self, listener: Listener) -> None:
        """Tell `listener` every change from now on; it must return at once."""
        self._listeners.append(listener)

    @contextlib.contextmanager
    def alarm(self, key: StorageKey) -> Iterator[asyncio.Event]:
        """An event that is set whenever something of this kind changes."""
        alarm = asyncio.Event()
        alarms = self._alarms.setdefault(key, set())
        alarms.add(alarm)
        try:
            yield alarm
        finally:
            alarms.discard(alarm)

    def apply(self, request: requests.Request) -> requests.Reply:
        """Carry out a request now.

        Raises:
            ApiError: it is refused.
        """
        outcome = self.store.apply(request, self.clock())
        for change in outcome.changes:
            for alarm in self._alarms.get(change.key, ()):
                alarm.set()
            for listener in self._listeners:
                listener(change)
        return outcome.reply
