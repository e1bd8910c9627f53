"""A view of the ladders in Redis: one sorted set each, or none at all.

`matchfleet:ladder:<game>:<mode>` holds every player of a ladder by rating, the highest first and
equal ratings by player, as PostgreSQL orders them. Beside it stands the last move of the ladder's
ledger up to which it has missed none: whoever compares that with PostgreSQL knows whether the view
is the truth. Moves are shown in the order of the ledger, and those of two matches at once in any:
they have no player in common. What does not fit is refused, and the view replaced later; after
Redis was flushed there is nothing, rather than the few who played since.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import redis.asyncio
import redis.exceptions

from matchfleet_adapters import errors
from matchfleet_contracts.ids import PlayerId

_CHUNK: Final = 1000
# A view that holds what came after these moves was read by one who may not have seen them yet.
_CHANGE: Final = """
local after, last = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = tonumber(redis.call('GET', KEYS[2]) or '')
if not held or held < after then return 0 end
if held >= last then redis.call('DEL', KEYS[2]) return 0 end
redis.call('ZADD', KEYS[1], unpack(ARGV, 3))
redis.call('SET', KEYS[2], last)
return 1
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """The first of a ladder, and the last move that the view holds."""

    rows: list[tuple[PlayerId, int]]
    last: int


def key(game: str, mode: str) -> str:
    """Where a ladder's view is kept."""
    return f"matchfleet:ladder:{game}:{mode}"


def _last_key(game: str, mode: str) -> str:
    return f"{key(game, mode)}:last"


class Ladders:
    """The views; every call may raise `errors.Unavailable`."""

    def __init__(self, client: redis.asyncio.Redis, *, budget_s: float = 1.0) -> None:
        self._client = client
        self._budget_s = budget_s

    async def change(
        self, game: str, mode: str, *, ratings: Mapping[PlayerId, int], after: int, last: int
    ) -> bool:
        """Show moves; False when the view is not there, or has missed some: then it is replaced.

        Args:
            game: the ladder's game.
            mode: the ladder's mode.
            ratings: whoever moved, at least one.
            after: a move up to which the view must have missed none.
            last: the move up to which it then has missed none.
        """
        arguments: list[Any] = [after, last]
        for player, rating in ratings.items():
            arguments += (-rating, player)
        names = (key(game, mode), _last_key(game, mode))
        done: int = await self._call(self._client.eval(_CHANGE, len(names), *names, *arguments))
        return bool(done)

    async def replace(
        self, game: str, mode: str, *, ratings: Mapping[PlayerId, int], last: int
    ) -> None:
        """Make the view exactly these ratings, which hold every move up to `last`."""
        name = key(game, mode)
        fresh = f"{name}:fresh"
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.delete(fresh)
            items = ((str(player), -rating) for player, rating in ratings.items())
            while chunk := dict(itertools.islice(items, _CHUNK)):
                pipeline.zadd(fresh, chunk)
            if ratings:
                pipeline.rename(fresh, name)
            else:
                pipeline.delete(name)
            pipeline.set(_last_key(game, mode), last)
            await self._call(pipeline.execute())

    async def withdraw(self, game: str, mode: str) -> None:
        """Say of a view that it may have missed a move; it is there until it is replaced."""
        await self._call(self._client.delete(_last_key(game, mode)))

    async def top(self, game: str, mode: str, *, limit: int) -> Shown | None:
        """The first of a ladder; None when there is no view, or it may have missed a move."""
        async with self._client.pipeline(transaction=True) as pipeline:
            pipeline.get(_last_key(game, mode))
            pipeline.zrange(key(game, mode), 0, limit - 1, withscores=True)
            last, rows = await self._call(pipeline.execute())
        if last is None:
            return None
        shown = [(PlayerId(player.decode()), -int(score)) for player, score in rows]
        return Shown(shown, int(last))

    async def _call(self, call: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._budget_s):
                return await call
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            detail = str(error) or type(error).__name__
            raise errors.Unavailable(store="Redis", detail=detail) from error
