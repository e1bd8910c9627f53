"""Decides how many idle servers a Fleet keeps, and says why in one sentence.

Demand is the greater of two: a buffer (a number, or a percentage of the busy servers) and the
players that wait in the queues. It is followed up at once, and down only when nothing greater was
asked for within the stabilisation time: what holds is the greatest of the recommendations of that
time, which stand in the Fleet's status, so that neither a restart nor another leader forgets them.
The bounds apply to what comes out. `spec.warm`, which is what people and HPA set, is a floor that
holds whatever the bounds are.

A number is followed only once it can be written down (`once_writable`): a peak between two writes
would else start servers that nobody remembers having wanted.
"""

import dataclasses
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matchfleet_operator.planning import actions
from matchfleet_operator.planning.demand import Depth
from matchfleet_operator.planning.rules import seconds
from matchfleet_operator.planning.seen import Autoscale, FleetSeen, Recommendation

SERVERS_MOST: Final = 5000
"""As many as a Fleet's schema allows; no demand is counted higher."""
RECOMMENDATIONS_MOST: Final = 16
"""As many as a Fleet's status holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """How many idle servers a Fleet keeps.

    Attributes:
        warm: that number; waiting Matches come on top.
        why: one sentence for people; empty when nothing scales this Fleet.
        wake_at: when to decide again although nothing happened.
        recommendations: what is to be remembered, for the status.
        limit: what keeps the number from being what demand asks for; empty for nothing.
        limit_reason: the same in one word.
        is_scaled: whether the Fleet has an autoscaler at all.
    """

    warm: int
    why: str = ""
    wake_at: datetime.datetime | None = None
    recommendations: tuple[Recommendation, ...] = ()
    limit: str = ""
    limit_reason: str = "WithinBounds"
    is_scaled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """What one source of demand asks for, and what for."""

    warm: int
    what_for: str


def decide(
    fleet: FleetSeen,
    *,
    busy: int,
    depth: Depth,
    history: Sequence[Recommendation],
    now: datetime.datetime,
) -> Decision:
    """How many idle servers `fleet` keeps, with `busy` busy ones and `depth` waiting players.

    `history` is what the last decision asked to be remembered.
    """
    scaler = fleet.autoscale
    if scaler is None:
        return Decision(warm=fleet.warm)
    asked = max(_asks(scaler, busy, depth), key=lambda ask: ask.warm)
    remembered = _remember(history, asked.warm, now, seconds(scaler.stabilization_s))
    greatest = remembered[0]
    warm = max(_bounded(scaler, greatest.warm), fleet.warm)
    limit, limit_reason = _limit(fleet, scaler, busy, greatest.warm, warm)
    falls_at = None if greatest.until is None else greatest.until + seconds(scaler.stabilization_s)
    return Decision(
        warm=warm,
        why=_why(fleet, scaler, asked, warm, falls_at) + _unknown(scaler, depth),
        wake_at=actions.wait(falls_at, depth.until if scaler.players_per_match else None).wake_at,
        recommendations=remembered,
        limit=limit,
        limit_reason=limit_reason,
        is_scaled=True,
    )


def once_writable(
    decision: Decision, fleet: FleetSeen, *, writable_at: datetime.datetime | None
) -> Decision:
    """The decision, or the one before it while the status cannot be written.

    writable_at: when that will be possible; None for now.
    """
    before = fleet.status
    is_news = (decision.warm, decision.recommendations) != (
        before.desired_warm,
        before.recommendations,
    )
    if writable_at is None or not decision.is_scaled or not is_news:
        return decision
    return dataclasses.replace(
        decision,
        warm=max(before.desired_warm or 0, fleet.warm),
        why=before.scaling,
        recommendations=before.recommendations,
        wake_at=writable_at,
    )


def _asks(scaler: Autoscale, busy: int, depth: Depth) -> list[_Ask]:
    asks = [_Ask(warm=0, what_for="no demand")]
    if scaler.buffer:
        asks.append(_Ask(warm=scaler.buffer, what_for=f"a buffer of {scaler.buffer}"))
    if scaler.buffer_percent:
        share = _ceil(busy * scaler.buffer_percent, 100)
        of = f"{scaler.buffer_percent}% of {busy} busy {_plural('server', busy)}"
        asks.append(_Ask(warm=min(share, SERVERS_MOST), what_for=of))
    if scaler.players_per_match:
        needed = _ceil(depth.players, scaler.players_per_match)
        players = f"{depth.players} waiting {_plural('player', depth.players)}"
        what_for = f"{players}, {scaler.players_per_match} a match"
        asks.append(_Ask(warm=min(needed, SERVERS_MOST), what_for=what_for))
    return asks


def _ceil(amount: int, unit: int) -> int:
    return -(-amount // unit)


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _remember(
    history: Sequence[Recommendation],
    asked: int,
    now: datetime.datetime,
    window: datetime.timedelta,
) -> tuple[Recommendation, ...]:
    """The recommendations that still count: falling numbers, each until later than the one before.

    One that is followed by a greater or equal one can never be the greatest again, so it is
    dropped. Were there too many, two neighbours become one that holds as many for as long.
    """
    ended = [r if r.until is not None else dataclasses.replace(r, until=now) for r in history]
    kept = [r for r in ended if r.warm > asked and r.until is not None and now < r.until + window]
    while len(kept) >= RECOMMENDATIONS_MOST:
        *kept, greater, lesser = kept
        kept.append(dataclasses.replace(lesser, warm=greater.warm))
    return (*kept, Recommendation(warm=asked))


def _bounded(scaler: Autoscale, wanted: int) -> int:
    return min(max(wanted, scaler.min_warm), scaler.max_warm)


def _limit(
    fleet: FleetSeen, scaler: Autoscale, busy: int, wanted: int, warm: int
) -> tuple[str, str]:
    room = max(0, fleet.max - busy)
    if wanted > warm:
        text = f"{wanted} idle servers are asked for and maxWarm is {scaler.max_warm}"
        return text, "AtMaxWarm"
    if warm > room:
        text = f"{warm} idle servers are wanted and max ({fleet.max}) leaves room for {room}"
        return text, "AtMax"
    return "", "WithinBounds"


def _why(
    fleet: FleetSeen,
    scaler: Autoscale,
    asked: _Ask,
    warm: int,
    falls_at: datetime.datetime | None,
) -> str:
    kept = f"{warm} idle {_plural('server', warm)}"
    bounded = _bounded(scaler, asked.warm)
    demand = f"demand asks for {asked.warm} now ({asked.what_for})"
    if warm > max(bounded, fleet.warm) and falls_at is not None:
        return f"{kept} until {falls_at:%H:%M:%S} UTC, to be steady; {demand}"
    if warm == asked.warm:
        return f"{kept} for {asked.what_for}"
    if warm == fleet.warm and warm != bounded:
        return f"{kept} because of spec.warm; {demand}"
    bound = "minWarm" if asked.warm < bounded else "maxWarm"
    return f"{kept} because of {bound}; {demand}"


def _unknown(scaler: Autoscale, depth: Depth) -> str:
    if not scaler.players_per_match or depth.is_known:
        return ""
    return "; the queue depth is not known, for the matchmaker has not been heard of lately"
