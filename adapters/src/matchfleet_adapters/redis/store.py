"""Keys and values that expire: the port of the cache, and Redis behind it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

import redis.asyncio
import redis.exceptions

from matchfleet_adapters import errors


class Store(Protocol):
    """Bytes under names, each with an expiry. Every call may raise `errors.Unavailable`."""

    async def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of these keys, None where there is none."""
        ...

    async def write(self, values: Mapping[str, bytes], *, expire_ms: int) -> None:
        """Keep values under their keys, for `expire_ms` from now."""
        ...

    async def write_if_absent(self, key: str, value: bytes) -> bytes:
        """Keep a value without expiry unless there is one; returns the one that is kept now."""
        ...

    def scan(self, prefix: str) -> AsyncIterator[str]:
        """The keys that start with `prefix`, in no order, each at least once."""
        ...


class RedisStore:
    """The port on Redis, with a deadline for each call."""

    def __init__(self, client: redis.asyncio.Redis, *, budget_s: float = 0.05) -> None:
        self._client = client
        self._budget_s = budget_s

    async def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """See the port."""
        return list(await self._call(self._client.mget(list(keys))))

    async def write(self, values: Mapping[str, bytes], *, expire_ms: int) -> None:
        """See the port."""
        if len(values) == 1:
            ((key, value),) = values.items()
            await self._call(self._client.set(key, value, px=expire_ms))
            return
        pipeline = self._client.pipeline(transaction=False)
        for key, value in values.items():
            pipeline.set(key, value, px=expire_ms)
        await self._call(pipeline.execute())

    async def write_if_absent(self, key: str, value: bytes) -> bytes:
        """See the port."""
        before: bytes | None = await self._call(self._client.set(key, value, nx=True, get=True))
        return value if before is None else before

    async def scan(self, prefix: str) -> AsyncIterator[str]:
        """See the port."""
        try:
            async for key in self._client.scan_iter(match=f"{prefix}*", count=500):
                yield key.decode()
        except (redis.exceptions.RedisError, OSError) as error:
            raise errors.Unavailable(store="Redis", detail=str(error)) from error

    async def _call(self, call: Any) -> Any:
        try:
            async with asyncio.timeout(self._budget_s):
                return await call
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            detail = str(error) or type(error).__name__
            raise errors.Unavailable(store="Redis", detail=detail) from error
