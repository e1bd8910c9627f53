"""What kopf is used for: it watches and tells, and it is told nothing back.

Only its lowest level is: raw events. Its other handlers would write annotations and finalizers on
objects that change many times a second, and its peering is no leader election. It runs on a loop
of its own in a thread of its own, because it cancels every task of its loop when it ends.
"""

import asyncio
import datetime
import logging
import threading
import time
from collections.abc import Callable, Collection
from typing import Any

import kopf
import uvloop

from matchfleet_contracts.resources import GROUP, VERSION
from matchfleet_operator import marks
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind, Object
from matchfleet_operator.watching.access import Access

Tell = Callable[[Kind, str | None, Object, float], None]
"""Takes one watch event: kind, change, object, and when it was received (monotonic)."""

GOODBYE_S = 0.5
LOGIN_KEPT = datetime.timedelta(minutes=5)
Watched = tuple[tuple[Kind, tuple[str, str, str]], ...]
"""Kinds, each with the group, version and plural that kopf selects it by."""
OURS: Watched = (
    (kube.MATCHES, (GROUP, VERSION, "matches")),
    (kube.FLEETS, (GROUP, VERSION, "fleets")),
    (kube.PODS, ("", "v1", "pods")),
)
NODES_ONLY: Watched = ((kube.NODES, ("", "v1", "nodes")),)


class NothingKept(kopf.DiffBaseStorage, kopf.ProgressStorage):
    """Storage that stores nothing: raw events need no state, and copies cost time."""

    def build(self, **_: Any) -> Any:
        """No essence is compared."""
        return {}

    def fetch(self, **_: Any) -> None:
        """Nothing is kept."""

    def store(self, **_: Any) -> None:
        """Nothing is kept."""

    def purge(self, **_: Any) -> None:
        """Nothing is kept."""

    def touch(self, **_: Any) -> None:
        """Nothing is kept."""

    def clear(self, *, essence: Any) -> Any:
        """Nothing of ours is in there."""
        return essence


def registry_of(tell: Tell, access: Access, watched: Watched = OURS) -> kopf.OperatorRegistry:
    """The handlers: one a kind that tells, and one that logs in."""
    registry = kopf.OperatorRegistry()
    for kind, resource in watched:
        kopf.on.event(*resource, registry=registry, id=f"tell-{kind.plural}")(_teller(kind, tell))

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return connection(access)

    return registry


def _teller(kind: Kind, tell: Tell) -> Callable[..., Any]:
    async def tell_event(event: Any, **_: Any) -> None:
        tell(kind, event["type"], event["object"], time.monotonic())

    return tell_event


def connection(access: Access) -> kopf.ConnectionInfo:
    """Our access in kopf's words; a token from a file is asked for again before it is old."""
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251  the shell of the process
    return kopf.ConnectionInfo(
        server=access.server,
        ca_data=access.authority.encode() or None,
        insecure=access.insecure,
        scheme="Bearer",
        token=access.bearer() or None,
        certificate_data=access.certificate.encode() or None,
        private_key_data=access.private_key.encode() or None,
        default_namespace=access.namespace,
        expiration=now + LOGIN_KEPT if access.token_file is not None else None,
    )


def settings() -> kopf.OperatorSettings:
    """kopf, cut down to a watcher whose streams end by themselves and are never silent for long."""
    chosen = kopf.OperatorSettings()
    nothing = NothingKept()
    chosen.persistence.diffbase_storage = nothing
    chosen.persistence.progress_storage = nothing
    chosen.posting.enabled = False
    chosen.scanning.disabled = True
    chosen.peering.standalone = True
    chosen.watching.server_timeout = 290
    chosen.watching.client_timeout = 300
    chosen.watching.connect_timeout = 5
    chosen.watching.chunk_size = 500
    chosen.watching.label_selectors["pods"] = marks.PODS_OF_OURS
    chosen.networking.request_timeout = 10
    chosen.queueing.idle_timeout = 1.0
    chosen.queueing.exit_timeout = 1.0
    chosen.process.ultimate_exiting_timeout = None
    return chosen


class Watching(threading.Thread):
    """kopf at work, in a thread; `ready` is set when it listens, `failure` holds why it ended."""

    def __init__(
        self, tell: Tell, access: Access, namespaces: Collection[str], watched: Watched = OURS
    ) -> None:
        super().__init__(name="kopf", daemon=True)
        self._tell = tell
        self._access = access
        self._namespaces = namespaces
        self._watched = watched
        self._lock = threading.Lock()
        self._end: Callable[[], object] | None = None
        self._is_stopped = False
        self.ready = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        """Watches until told to stop, or until kopf ends by itself."""
        logging.getLogger("kopf").setLevel(logging.WARNING)
        try:
            uvloop.run(self._watch())
        except BaseException as error:  # noqa: BLE001  the top of a thread; the owner asks for it
            self.failure = error

    async def _watch(self) -> None:
        # Flags that are not of this loop would be waited for in threads that nothing ends.
        told_to_stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        with self._lock:
            self._end = lambda: loop.call_soon_threadsafe(told_to_stop.set)
            if self._is_stopped:
                return
        try:
            await kopf.operator(
                registry=registry_of(self._tell, self._access, self._watched),
                settings=settings(),
                standalone=True,
                namespaces=list(self._namespaces),
                stop_flag=told_to_stop,
                ready_flag=self.ready,
            )
        finally:
            with self._lock:
                self._end = None
            # Its connections are closing; TLS takes a moment to say goodbye.
            await asyncio.sleep(GOODBYE_S)

    def stop(self) -> None:
        """Asks kopf to end."""
        with self._lock:
            self._is_stopped = True
            if self._end is not None:
                self._end()
