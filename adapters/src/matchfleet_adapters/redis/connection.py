"""A client that gives up quickly: what waits for Redis could have asked PostgreSQL meanwhile."""

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


def client(url: str, *, timeout_s: float, connections: int = 20) -> redis.asyncio.Redis:
    """A client of `url`; it connects on first use, never retries, and owns its connections."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout_s,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    return redis.asyncio.Redis.from_pool(pool)
