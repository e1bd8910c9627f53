"""The one port through which a shell reads time; pure code takes `now` as an argument."""

import datetime
from typing import Protocol


class Clock(Protocol):
    """Where a process gets the time from."""

    def now(self) -> datetime.datetime:
        """The time now, in UTC."""
        ...


def rfc3339(at: datetime.datetime) -> str:
    """Kubernetes' form of a time, to the microsecond: `2026-01-31T12:00:00.000000Z`."""
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_rfc3339(text: str) -> datetime.datetime:
    """The time in a Kubernetes or CloudEvents field.

    Raises:
        ValueError: not a time with a zone.
    """
    at = datetime.datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at
