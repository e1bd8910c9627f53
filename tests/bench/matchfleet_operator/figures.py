"""The figures of the bench, what each should be, and how they are printed."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

Value = float | int | None


@dataclass(frozen=True, slots=True)
class Line:
    """What one figure is, and what it should at least, or at most, be."""

    what: str
    unit: str
    wanted: float
    is_floor: bool = False


LINES: dict[str, Line] = {
    "claim_p50_ms": Line("warm claim, created to Ready, real pods: p50", "ms", 60),
    "claim_p99_ms": Line("warm claim, created to Ready, real pods: p99", "ms", 150),
    "claims_per_s": Line("warm claims in a burst of 200, kwok pods", "/s", 60, is_floor=True),
    "claims_per_s_real": Line("warm claims in a burst of 40, real pods", "/s", 0, is_floor=True),
    "claims_wrong": Line("claims lost or doubled in 10,000 under faults", "", 0),
    "lives_per_s": Line("Match lives, Poisson arrivals for 5 min", "/s", 20, is_floor=True),
    "writes_per_life": Line("mutating calls of the operator per life", "", 8),
    "cpu_ms_per_life": Line("processor time of the operator per life", "ms", 15),
    "rss_mib_5000": Line("memory at 5,000 live Matches", "MiB", 300),
    "idle_core": Line("share of a core when idle", "", 0.02),
    "cold_p95_s": Line("cold start, created to Ready, real pods: p95", "s", 6),
    "failover_p95_s": Line("leader killed to next claim served: p95", "s", 8),
    "handover_p95_s": Line("leader stopped to next claim served: p95", "s", 2),
    "restart_s": Line("restart with 5,000 Matches to caught up", "s", 5),
    "pods_leaked": Line("pods left over after 5,000 lives with kills", "", 0),
}


@dataclass(slots=True)
class Figures:
    """What was measured so far, why other figures are absent, and what else was noted."""

    values: dict[str, Value] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def put(self, key: str, value: float) -> None:
        """Takes a figure in.

        Raises:
            KeyError: there is no such figure.
        """
        LINES[key]
        self.values[key] = round(value, 3) if isinstance(value, float) else value

    def lack(self, keys: Sequence[str], why: str) -> None:
        """Says why figures are not there."""
        for key in keys:
            self.absent.setdefault(key, why)

    def table(self) -> str:
        """For people: every figure beside its line."""
        rows = [("figure", "measured", "line", ""), *(self._row(key) for key in LINES)]
        widths = [max(len(row[n]) for row in rows) for n in range(3)]
        lines = [
            "  ".join([*(c.ljust(w) for c, w in zip(r[:3], widths, strict=True)), r[3]])
            for r in rows
        ]
        return "\n".join(line.rstrip() for line in [*lines, *self.notes])

    def _row(self, key: str) -> tuple[str, str, str, str]:
        line, value = LINES[key], self.values.get(key)
        sign = "at least" if line.is_floor else "at most"
        wanted = f"{sign} {line.wanted:g}{line.unit}"
        if value is None:
            return line.what, "-", wanted, self.absent.get(key, "not asked for")
        is_kept = value >= line.wanted if line.is_floor else value <= line.wanted
        return line.what, f"{value:g} {line.unit}".strip(), wanted, "" if is_kept else "MISSED"

    def last_line(self) -> str:
        """For programs: one JSON object with every key; null where there is no figure."""
        return json.dumps({key: self.values.get(key) for key in LINES})


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of a sorted sequence do not exceed (nearest rank)."""
    if not ordered:
        raise ValueError("there is no percentile of nothing")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
