"""How the API writes moments: RFC 3339 in UTC, to the second, or to the microsecond in leases."""

import datetime


def text(moment: datetime.datetime) -> str:
    """`2026-01-02T03:04:05Z`, as in `creationTimestamp`."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_text(moment: datetime.datetime) -> str:
    """`2026-01-02T03:04:05.000006Z`, as in leases and events."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(written: str) -> datetime.datetime:
    """The moment a stored text means."""
    return datetime.datetime.fromisoformat(written)


def age(since: str, now: datetime.datetime) -> str:
    """A duration as kubectl shows it: `5s`, `3m20s`, `4h`, `2d3h`."""
    seconds = int((now - moment(since)).total_seconds())
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y"
