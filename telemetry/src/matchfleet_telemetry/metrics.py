"""What a metric is called, so that one rule finds them all.

`matchfleet_<what>_<unit>`: base units only (`_seconds`, `_bytes`, `_ratio`), counters end in
`_total`, a gauge of things that are counted has no unit. Labels have few values: a game, a mode, a
queue, an outcome; never a player or a match. Each package keeps its own in `metrics.py`, made by
the functions here, in the process's one registry: one process, one pod, one scrape.
"""

import importlib.metadata
import platform
from collections.abc import Sequence
from typing import Final

import prometheus_client

from matchfleet_telemetry import errors

PREFIX: Final = "matchfleet_"
BRIEF_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Buckets for a query, a request, a tick."""
LONG_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Buckets for a wait, a cold start, a recovery."""
_HISTOGRAM_UNITS: Final = ("_seconds", "_bytes", "_ratio", "_ticks", "_players", "_messages")


def counter(name: str, text: str, labels: Sequence[str] = ()) -> prometheus_client.Counter:
    """A count that only grows; `name` ends in `_total`."""
    _check(name, endings=("_total",))
    return prometheus_client.Counter(name, text, labels)


def gauge(name: str, text: str, labels: Sequence[str] = ()) -> prometheus_client.Gauge:
    """A value now."""
    _check(name, endings=())
    if name.endswith("_total"):
        raise errors.MetricMisnamed(f"{name}: only a counter ends in _total")
    return prometheus_client.Gauge(name, text, labels)


def histogram(
    name: str,
    text: str,
    labels: Sequence[str] = (),
    *,
    buckets: Sequence[float] = BRIEF_SECONDS,
) -> prometheus_client.Histogram:
    """How a quantity is spread; `name` ends in its unit."""
    _check(name, endings=_HISTOGRAM_UNITS)
    return prometheus_client.Histogram(name, text, labels, buckets=buckets)


def _check(name: str, *, endings: tuple[str, ...]) -> None:
    if not name.startswith(PREFIX):
        raise errors.MetricMisnamed(f"{name}: a metric of ours starts with {PREFIX}")
    if endings and not name.endswith(endings):
        raise errors.MetricMisnamed(f"{name}: it ends in one of {', '.join(endings)}")


BUILD: Final = gauge(
    "matchfleet_build_info", "Always 1; what runs here.", ("process", "version", "python")
)


def set_build(process: str) -> None:
    """Says which process of which version this is."""
    BUILD.labels(
        process=process,
        version=importlib.metadata.version("matchfleet-telemetry"),
        python=platform.python_version(),
    ).set(1)
