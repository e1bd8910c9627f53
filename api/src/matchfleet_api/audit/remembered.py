"""I8: whatever Redis would answer with now is what PostgreSQL says now: reads and ladders."""

from collections.abc import Callable, Coroutine

import pydantic

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import audit, leaderboard, pool
from matchfleet_adapters.redis import cache
from matchfleet_api import errors as api_errors
from matchfleet_api import schemas
from matchfleet_api.audit import finding
from matchfleet_api.services import matches, players
from matchfleet_contracts.ids import MatchId, PlayerId

_LADDER_LOOK = 100


class Remembered:
    """Compares every remembered read, and every view of a ladder, with its source."""

    def __init__(
        self,
        database: pool.Database,
        remembered: cache.Cache,
        played: matches.Matches,
        known: players.Players,
        *,
        view: players.View,
    ) -> None:
        self._database = database
        self._view = view
        self._cache = remembered
        self._matches = played
        self._players = known

    async def check(self) -> finding.Finding:
        """I8."""
        violations: list[str] = []
        seen = 0
        try:
            for kind, model, read in self._kinds():
                async for subject, body in self._cache.entries(kind):
                    seen += 1
                    wrong = await _differs(model, body, read(subject))
                    if wrong is not None:
                        violations.append(f"{kind} {subject}: {wrong}")
            views = await self._views()
            violations += [wrong for wrong in views.values() if wrong is not None]
        except errors.Unavailable as error:
            if error.store != "Redis":
                raise
            return finding.told("I8", [], f"nothing is remembered: {error}")
        detail = f"{seen} remembered reads, {len(views)} ladders"
        return finding.told("I8", violations, detail)

    async def _views(self) -> dict[str, str | None]:
        """What is wrong with each ladder that Redis shows."""
        found: dict[str, str | None] = {}
        async with self._database.connection() as connection:
            for game, mode in await audit.ladders(connection):
                shown = await self._view.top(game, mode, limit=_LADDER_LOOK)
                true = await leaderboard.top(connection, game=game, mode=mode, limit=_LADDER_LOOK)
                # Asked last: then nothing moved between the view and PostgreSQL's own.
                last = await leaderboard.last_move(connection, game=game, mode=mode)
                if shown is None or shown.last != last:
                    continue  # nobody reads such a view
                is_same = shown.rows == [(entry.player_id, entry.rating) for entry in true]
                wrong = f"ladder {game}/{mode}: PostgreSQL says otherwise"
                found[f"{game}/{mode}"] = None if is_same else wrong
        return found

    def _kinds(
        self,
    ) -> list[
        tuple[
            str,
            type[pydantic.BaseModel],
            Callable[[str], Coroutine[None, None, pydantic.BaseModel]],
        ]
    ]:
        return [
            (matches.KIND, schemas.MatchOut, lambda s: self._matches.read(MatchId(s))),
            (players.KIND, schemas.PlayerOut, lambda s: self._players.read(PlayerId(s))),
            (players.LADDER_KIND, schemas.LadderOut, self._ladder),
        ]

    async def _ladder(self, subject: str) -> schemas.LadderOut:
        game, mode, size = subject.split("/")
        return await self._players.read_ladder(game, mode, limit=int(size))


async def _differs(
    model: type[pydantic.BaseModel],
    body: bytes,
    reading: Coroutine[None, None, pydantic.BaseModel],
) -> str | None:
    try:
        kept = model.model_validate_json(body)
    except pydantic.ValidationError:
        reading.close()
        return "it does not read as what it should be"
    try:
        true = await reading
    except api_errors.NoSuch:
        return "PostgreSQL does not have it"
    return None if kept == true else "PostgreSQL says something else"
