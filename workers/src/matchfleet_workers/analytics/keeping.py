"""Adds what an event counts for, with its inbox row, in one transaction."""

from matchfleet_adapters import errors
from matchfleet_adapters.postgres import analytics, inbox, pool
from matchfleet_contracts import events
from matchfleet_workers import metrics
from matchfleet_workers.analytics import counting

CONSUMER = "analytics"


class Keeper:
    """Handles the events of the analytics queue."""

    def __init__(self, database: pool.Database) -> None:
        self._database = database

    async def handle(self, event: events.Event) -> None:
        """Adds one event to the aggregates.

        Raises:
            errors.Poison: it cannot be counted.
            errors.Unavailable: PostgreSQL does not answer.
        """
        try:
            addition = counting.count(event)
        except ValueError as error:
            raise errors.Poison(f"it cannot be counted: {error}") from error
        if addition is None:
            metrics.COUNTED.labels(outcome="uninteresting").inc()
            return

        async def work(connection: pool.Connection) -> bool:
            if not await inbox.remember(connection, CONSUMER, event_id=event.id):
                return False
            await _add(connection, addition)
            return True

        was_added = await self._database.transaction(work)
        metrics.COUNTED.labels(outcome="counted" if was_added else "repeated").inc()


async def _add(connection: pool.Connection, addition: counting.Addition) -> None:
    key = analytics.Key(
        hour=addition.hour, game=addition.game, mode=addition.mode, region=addition.region
    )
    await analytics.add_matches(
        connection,
        key,
        analytics.Matches(
            created=addition.created,
            completed=addition.completed,
            failed=addition.failed,
            cancelled=addition.cancelled,
            humans=addition.humans,
            bots=addition.bots,
            ticks=addition.ticks,
        ),
    )
    if addition.players:
        await analytics.add_players(connection, key, players=addition.players)
