"""A view of the ladders in Redis: one sorted set each, or none at all.

`matchfleet:leaderboard:<game>:<mode>` holds every player of the ladder with the rating as score.
A set that is there is whole: changes go only into an existing set, so that after Redis was flushed
there is nothing, rather than the few who played since; then somebody replaces it from PostgreSQL.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Mapping
from typing import Any, Final

import redis.asyncio
import redis.exceptions

from matchfleet_adapters import errors
from matchfleet_contracts.ids import PlayerId

_CHUNK: Final = 1000
_CHANGE_IF_THERE: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('ZADD', KEYS[1], unpack(ARGV))
return 1
"""


def key(game: str, mode: str) -> str:
    """Where a ladder's view is kept."""
    return f"matchfleet:leaderboard:{game}:{mode}"


class Ladders:
    """The views; every call may raise `errors.Unavailable`."""

    def __init__(self, client: redis.asyncio.Redis, *, budget_s: float = 1.0) -> None:
        self._client = client
        self._budget_s = budget_s

    async def change(self, game: str, mode: str, *, ratings: Mapping[PlayerId, int]) -> bool:
        """Set these players' ratings in the view; False when there is none to change."""
        arguments: list[Any] = [
            word for player, rating in ratings.items() for word in (rating, player)
        ]
        done: int = await self._call(
            self._client.eval(_CHANGE_IF_THERE, 1, key(game, mode), *arguments)
        )
        return bool(done)

    async def replace(self, game: str, mode: str, *, ratings: Mapping[PlayerId, int]) -> None:
        """Make the view exactly these ratings, at one moment."""
        name = key(game, mode)
        fresh = f"{name}:fresh"
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(fresh)
            if ratings:
                items = ((str(player), rating) for player, rating in ratings.items())
                while chunk := dict(itertools.islice(items, _CHUNK)):
                    pipeline.zadd(fresh, chunk)
                pipeline.rename(fresh, name)
            else:
                pipeline.delete(name)
            await self._call(pipeline.execute())

    async def top(self, game: str, mode: str, *, limit: int) -> list[tuple[PlayerId, int]]:
        """The first of a ladder, [] when there is no view. Equal ratings come in no order."""
        rows = await self._call(
            self._client.zrange(key(game, mode), 0, limit - 1, desc=True, withscores=True)
        )
        return [(PlayerId(player.decode()), int(rating)) for player, rating in rows]

    async def _call(self, call: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._budget_s):
                return await call
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            detail = str(error) or type(error).__name__
            raise errors.Unavailable(store="Redis", detail=detail) from error
