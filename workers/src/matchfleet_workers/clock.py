"""The one place where this package reads the time."""

import datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime.datetime:
        """The time now, in UTC."""
        return datetime.datetime.now(datetime.UTC)  # noqa: TID251 - this is the clock
