"""Reads that are remembered for a while, and never longer than they are true.

An entry begins with the epoch of the whole cache and the version of its subject, as they were
before it was loaded; it counts only while both are still the same. Invalidating writes a new random
version, so a reader that loaded before and stores afterwards stores something nobody will believe.
The epoch is new after Redis was flushed, and whenever invalidations may have been missed.

When Redis does not answer within its budget, the caller's loader is asked, and Redis is left alone
for a moment; invalidations that could not be written are kept and their subjects are not read from
the cache until they are.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from matchfleet_adapters import errors
from matchfleet_adapters.redis import store as ports
from matchfleet_telemetry import metrics

log = structlog.get_logger(__name__)

_PREFIX: Final = "mf1"  # the number changes with the layout below, so old entries are not misread
_EPOCH: Final = f"{_PREFIX}:epoch"
_NO_VERSION: Final = b"0"

READS: Final = metrics.counter(
    "matchfleet_cache_reads_total",
    "Cached reads: hit, miss, shared (another reader loads it) or bypass (Redis was left alone).",
    ("kind", "outcome"),
)
INVALIDATED: Final = metrics.counter(
    "matchfleet_cache_invalidations_total", "Subjects invalidated, by outcome.", ("kind", "outcome")
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What an entry is about: `kind` is a metric's label, `id` may be anything."""

    kind: str
    id: str

    @property
    def key(self) -> str:
        """Where its entry is kept."""
        return f"{_PREFIX}:e:{self.kind}:{self.id}"

    @property
    def version_key(self) -> str:
        """Where its version is kept."""
        return f"{_PREFIX}:v:{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Bounds of the cache.

    Attributes:
        jitter: entries expire after their time times 1 to 1 + jitter, so that those which were
            loaded together do not expire together.
        version_ms: longer than any entry and any load.
        rest_s: how long Redis is left alone after it did not answer.
    """

    jitter: float = 0.2
    version_ms: int = 600_000
    rest_s: float = 1.0


class Cache:
    """Remembered reads of bytes."""

    def __init__(self, store: ports.Store, settings: CacheSettings | None = None) -> None:
        self._store = store
        self._settings = settings or CacheSettings()
        self._loading: dict[str, asyncio.Task[bytes]] = {}
        self._unwritten: set[Subject] = set()
        self._forget_all = False
        self._rest_until = 0.0
        self._is_away = False

    async def cached(
        self, subject: Subject, load: Callable[[], Awaitable[tuple[bytes, int]]]
    ) -> bytes:
        """The entry of `subject`, else what `load` gives: a body, and milliseconds to keep it.

        Readers of one subject that come while it is loading wait for that one load. A body to be
        kept for 0 ms is not kept.
        """
        if self._must_bypass(subject):
            READS.labels(subject.kind, "bypass").inc()
            return (await load())[0]
        task = self._loading.get(subject.key)
        if task is not None:
            READS.labels(subject.kind, "shared").inc()
        else:
            task = asyncio.create_task(self._read_or_load(subject, load))
            self._loading[subject.key] = task
            task.add_done_callback(lambda done: self._done(subject.key, done))
        # A reader that goes away must not take the load from the others.
        return await asyncio.shield(task)

    async def invalidate(self, *subjects: Subject) -> None:
        """Believe no entry of these that was loaded before now; never raises."""
        # Loads under way began before what happened: later readers must not share them.
        for subject in subjects:
            self._loading.pop(subject.key, None)
        self._unwritten.update(subjects)
        await self.flush_invalidations()

    async def forget_all(self) -> None:
        """Believe no entry at all that was loaded before now: some invalidations were missed."""
        self._loading.clear()
        self._forget_all = True
        await self.flush_invalidations()

    async def flush_invalidations(self) -> None:
        """Write what could not be written yet; never raises."""
        try:
            if self._forget_all:
                await self._store.write(
                    {_EPOCH: _token()}, expire_ms=10 * self._settings.version_ms
                )
                self._forget_all = False
            if self._unwritten:
                written = set(self._unwritten)
                versions = {s.version_key: _token() for s in written}
                await self._store.write(versions, expire_ms=self._settings.version_ms)
                self._unwritten -= written
                for subject in written:
                    INVALIDATED.labels(subject.kind, "written").inc()
                self._answered()
        except errors.Unavailable as error:
            self._rest(error)

    async def entries(self, kind: str) -> AsyncIterator[tuple[str, bytes]]:
        """Every entry of a kind that would be believed now, by its subject's id; for audits.

        Raises:
            errors.Unavailable: Redis does not answer.
        """
        prefix = Subject(kind, "").key
        async for key in self._store.scan(prefix):
            subject = Subject(kind, key.removeprefix(prefix))
            epoch, version, entry = await self._store.read(
                [_EPOCH, subject.version_key, subject.key]
            )
            body = _believed(entry, epoch, version)
            if body is not None:
                yield subject.id, body

    def _must_bypass(self, subject: Subject) -> bool:
        return self._forget_all or subject in self._unwritten or time.monotonic() < self._rest_until

    async def _read_or_load(
        self, subject: Subject, load: Callable[[], Awaitable[tuple[bytes, int]]]
    ) -> bytes:
        try:
            epoch, version, entry = await self._store.read(
                [_EPOCH, subject.version_key, subject.key]
            )
            self._answered()
            body = _believed(entry, epoch, version)
            if body is not None:
                READS.labels(subject.kind, "hit").inc()
                return body
            if epoch is None:
                epoch = await self._store.write_if_absent(_EPOCH, _token())
        except errors.Unavailable as error:
            self._rest(error)
            READS.labels(subject.kind, "bypass").inc()
            return (await load())[0]
        READS.labels(subject.kind, "miss").inc()
        body, keep_ms = await load()
        if keep_ms > 0:
            await self._keep(subject, _head(epoch, version) + body, keep_ms)
        return body

    async def _keep(self, subject: Subject, entry: bytes, keep_ms: int) -> None:
        expire_ms = int(keep_ms * (1 + random.random() * self._settings.jitter))
        try:
            await self._store.write({subject.key: entry}, expire_ms=expire_ms)
        except errors.Unavailable as error:
            self._rest(error)

    def _rest(self, error: errors.Unavailable) -> None:
        self._rest_until = time.monotonic() + self._settings.rest_s
        if not self._is_away:
            self._is_away = True
            log.warning("cache_bypassed", error=str(error), invalidations=len(self._unwritten))

    def _answered(self) -> None:
        if self._is_away:
            self._is_away = False
            log.info("cache_used_again", invalidations=len(self._unwritten))

    def _done(self, key: str, task: "asyncio.Task[bytes]") -> None:
        if self._loading.get(key) is task:
            del self._loading[key]
        if not task.cancelled():
            task.exception()  # Every reader that waits gets it; without one it is nobody's news.


def _token() -> bytes:
    return secrets.token_hex(8).encode()


def _head(epoch: bytes, version: bytes | None) -> bytes:
    return epoch + b"." + (version or _NO_VERSION) + b"|"


def _believed(entry: bytes | None, epoch: bytes | None, version: bytes | None) -> bytes | None:
    if entry is None or epoch is None:
        return None
    head = _head(epoch, version)
    return entry[len(head) :] if entry.startswith(head) else None
