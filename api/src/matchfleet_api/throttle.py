"""Rate limits of logins and registrations, counted in Redis, else in this process's memory.

Without Redis each replica counts for itself: weaker than a shared count, far stronger than none.
"""

import asyncio
import time
from dataclasses import dataclass

import limits
import limits.aio
import redis.asyncio
import redis.exceptions
import structlog
from limits.aio import storage, strategies

from matchfleet_adapters.redis import connection
from matchfleet_api import errors, metrics

log = structlog.get_logger(__name__)
_REST_S = 1.0


@dataclass(frozen=True, slots=True)
class Limit:
    """How often something may be tried; `name` is what it is called in metrics."""

    name: str
    amount: int
    per_s: int = 60


class Throttle:
    """Counts attempts and refuses those that are too many."""

    def __init__(self, redis_url: str | None, *, budget_s: float = 0.05) -> None:
        self._budget_s = budget_s
        self._local = strategies.MovingWindowRateLimiter(storage.MemoryStorage())
        self._shared: strategies.MovingWindowRateLimiter | None = None
        self._client: redis.asyncio.Redis | None = None
        self._rest_until = 0.0
        if redis_url is not None:
            self._client = connection.client(redis_url, timeout_s=budget_s)
            store = storage.RedisStorage(
                f"async+{redis_url}",
                implementation="redispy",
                connection_pool=self._client.connection_pool,  # type: ignore[arg-type]
            )
            self._shared = strategies.MovingWindowRateLimiter(store)

    async def close(self) -> None:
        """Let go of Redis."""
        if self._client is not None:
            await self._client.aclose()

    async def admit(self, limit: Limit, *who: str) -> None:
        """Count one attempt of `who`.

        Raises:
            errors.Throttled: it is one too many.
        """
        item = limits.RateLimitItemPerSecond(limit.amount, limit.per_s, namespace=limit.name)
        if not await self._hit(item, who):
            metrics.THROTTLED.labels(limit.name).inc()
            raise errors.Throttled(retry_after_s=limit.per_s)

    async def _hit(self, item: limits.RateLimitItem, who: tuple[str, ...]) -> bool:
        if self._shared is not None and time.monotonic() >= self._rest_until:
            try:
                async with asyncio.timeout(self._budget_s):
                    return await self._shared.hit(item, *who)
            except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
                self._rest_until = time.monotonic() + _REST_S
                log.warning("throttle_local", error=str(error) or type(error).__name__)
        metrics.THROTTLE_LOCAL.inc()
        return await self._local.hit(item, *who)
