"""I2, I3, I4, I5 and I10: what PostgreSQL says must agree with itself."""

import datetime

from matchfleet_adapters.postgres import audit, pool
from matchfleet_api.audit import finding

_RATING_QUERIES = ("rated_twice", "rated_wrongly", "not_rated", "not_the_fold", "broken_chain")


async def ratings(connection: pool.Connection) -> finding.Finding:
    """I2."""
    found = [str(b) for name in _RATING_QUERIES for b in await audit.breaches(connection, name)]
    counts = await audit.counts(connection)
    return finding.told("I2", found, f"{counts.ledger} changes of ratings")


async def tickets(
    connection: pool.Connection, *, now: datetime.datetime, grace: datetime.timedelta
) -> finding.Finding:
    """I3; what happened within `grace` may still be on its way."""
    found = [
        *await audit.breaches(connection, "tickets_overdue", now - grace),
        *await audit.breaches(connection, "tickets_astray", now - grace),
        *await audit.breaches(connection, "tickets_twice"),
    ]
    counts = await audit.counts(connection)
    return finding.told("I3", [str(b) for b in found], f"{counts.tickets} tickets")


async def seats(connection: pool.Connection) -> finding.Finding:
    """I4."""
    found = await audit.breaches(connection, "seats_twice")
    counts = await audit.counts(connection)
    return finding.told("I4", [str(b) for b in found], f"{counts.seats} seats")


async def ends(connection: pool.Connection) -> finding.Finding:
    """I5."""
    names = ("ends_astray", "seats_astray", "ended_twice")
    found = [str(b) for name in names for b in await audit.breaches(connection, name)]
    counts = await audit.counts(connection)
    return finding.told("I5", found, f"{counts.matches} matches")


async def ticks(
    connection: pool.Connection, *, share: float, since: datetime.datetime
) -> finding.Finding:
    """I10, as far as results show it: which client was bad, only the server's metrics know."""
    found = await audit.slow(connection, share=share, since=since)
    detail = (
        f"the observable part: completed matches since {since:%Y-%m-%d %H:%M} UTC "
        f"that missed their tick rate by more than {share:.0%}"
    )
    return finding.told("I10", [str(b) for b in found], detail)
