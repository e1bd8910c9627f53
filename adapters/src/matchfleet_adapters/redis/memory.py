"""The cache's store in memory, for tests: it can be away, and time is told to it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from matchfleet_adapters import errors


class MemoryStore:
    """The port `store.Store` in memory.

    Attributes:
        is_away: while set, every call raises `errors.Unavailable`.
        calls: how many calls were made.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self.is_away = False
        self.calls = 0
        self._monotonic_s = monotonic_s
        self._values: dict[str, tuple[bytes, float | None]] = {}

    async def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """See the port."""
        self._answer()
        return [self._value(key) for key in keys]

    async def write(self, values: Mapping[str, bytes], *, expire_ms: int) -> None:
        """See the port."""
        self._answer()
        until = self._monotonic_s() + expire_ms / 1000
        self._values.update({key: (value, until) for key, value in values.items()})

    async def write_if_absent(self, key: str, value: bytes) -> bytes:
        """See the port."""
        self._answer()
        found = self._value(key)
        if found is not None:
            return found
        self._values[key] = (value, None)
        return value

    async def scan(self, prefix: str) -> AsyncIterator[str]:
        """See the port."""
        self._answer()
        for key in list(self._values):
            if key.startswith(prefix) and self._value(key) is not None:
                yield key

    def flush(self) -> None:
        """Forget everything."""
        self._values.clear()

    def _value(self, key: str) -> bytes | None:
        value, until = self._values.get(key, (None, None))
        if until is not None and until <= self._monotonic_s():
            self._values.pop(key)
            return None
        return value

    def _answer(self) -> None:
        self.calls += 1
        if self.is_away:
            raise errors.Unavailable(store="Redis", detail="told to be away")
