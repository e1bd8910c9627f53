"""Hours of play, as analytics has counted them."""

import datetime

from matchfleet_adapters.postgres import hours as rows
from matchfleet_adapters.postgres import pool
from matchfleet_api import schemas
from matchfleet_contracts import clock


class Hours:
    """Reads the hourly aggregates."""

    def __init__(self, database: pool.Database, *, now: clock.Clock) -> None:
        self._database = database
        self._clock = now

    async def latest(self, count: int) -> list[schemas.HourOut]:
        """The last `count` hours, the running one included, newest first."""
        now = self._clock.now()
        since = now.replace(minute=0, second=0, microsecond=0) - datetime.timedelta(hours=count - 1)
        async with self._database.connection() as connection:
            found = await rows.since(connection, since)
        return [
            schemas.HourOut(
                hour=h.hour,
                game=h.game,
                mode=h.mode,
                region=h.region,
                created=h.created,
                completed=h.completed,
                failed=h.failed,
                cancelled=h.cancelled,
                humans=h.humans,
                bots=h.bots,
                ticks=h.ticks,
                players=h.players,
            )
            for h in found
        ]
