"""Decides who leads, from the one Lease that all replicas write to and from one's own clock.

    nobody's     the holder gave it back, or the Lease is new: take it
    mine         renew it
    another's    it is theirs until it has looked the same for as long as it lasts; then take it
    vanished     somebody deleted it under a holder that may not know yet: as if it were another's

Times of other machines are written into the Lease for people and are never compared: what counts is
for how long *we* have seen the same version. Every write carries the version it was decided on, so
that of two who decide alike one gets it.
"""

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matchfleet_contracts import clock

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long what lasts, in seconds.

    Attributes:
        lasts_s: a Lease that was not renewed for this long is anybody's.
        renew_within_s: a leader that could not renew for this long does nothing more. What it began
            before must be over when the Lease is, so a request takes less than the difference.
        retry_s: between two renewals; a standby looks twice as often, for reads cost little and
            somebody waits while a Lease that was given back is not seen.
    """

    lasts_s: float = 6.0
    renew_within_s: float = 4.0
    retry_s: float = 1.0

    @property
    def look_s(self) -> float:
        """Between two looks of a standby."""
        return self.retry_s / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What matters of a Lease object; `holder` is empty when nobody leads."""

    version: str
    holder: str = ""
    lasts_s: float = 0.0
    acquired: str = ""
    transitions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The Lease as last seen, and since when it has been that, on our monotonic clock.

    lease: None when there is none.
    vanished: there was one before.
    """

    lease: Lease | None
    since: float
    vanished: bool = False


def sight(before: Sight | None, found: Lease | None, *, at: float) -> Sight:
    """What is known after a look at the Lease that was answered at `at`."""
    if before is None:
        return Sight(lease=found, since=at)
    if found is None:
        gone_since = before.since if before.lease is None else at
        return Sight(lease=None, since=gone_since, vanished=before.vanished or bool(before.lease))
    is_same = before.lease is not None and before.lease.version == found.version
    return Sight(lease=found, since=before.since if is_same else at)


@dataclass(frozen=True, slots=True)
class Create:
    """Make the Lease, as its holder."""


@dataclass(frozen=True, slots=True)
class Take:
    """Become the holder, if the Lease is still the version that was seen."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Renew:
    """Say that we still lead, if the Lease is still the version that was seen."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at this time, on our monotonic clock."""

    until: float


Step = Create | Take | Renew | Wait


def decide(seen: Sight, me: str, *, now: float, timing: Timing) -> Step:
    """What a replica called `me` does about the Lease now."""
    found = seen.lease
    if found is None:
        free_at = seen.since + timing.lasts_s if seen.vanished else seen.since
        return Create() if now >= free_at else Wait(min(free_at, now + timing.look_s))
    if found.holder == me:
        return Renew(found)
    if not found.holder:
        return Take(found)
    free_at = seen.since + (found.lasts_s or timing.lasts_s)
    return Take(found) if now >= free_at else Wait(min(free_at, now + timing.look_s))


# ---- the object


def observed(raw: Mapping[str, Any]) -> Lease:
    """A Lease object; whoever wrote nonsense into it does not lead longer than we would."""
    spec: Mapping[str, Any] = raw.get("spec") or {}
    return Lease(
        version=str(raw["metadata"]["resourceVersion"]),
        holder=spec.get("holderIdentity") or "",
        lasts_s=float(spec.get("leaseDurationSeconds") or 0.0),
        acquired=spec.get("acquireTime") or "",
        transitions=int(spec.get("leaseTransitions") or 0),
    )


def created(name: str, me: str, *, now: datetime.datetime, timing: Timing) -> Body:
    """The object of a new Lease that is ours."""
    spec = _held(me, timing) | {
        "acquireTime": clock.rfc3339(now),
        "renewTime": clock.rfc3339(now),
        "leaseTransitions": 0,
    }
    kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    return {**kind, "metadata": {"name": name}, "spec": spec}


def taken(lease: Lease, me: str, *, now: datetime.datetime, timing: Timing) -> Body:
    """The merge patch that makes a Lease ours."""
    spec = _held(me, timing) | {
        "acquireTime": clock.rfc3339(now),
        "renewTime": clock.rfc3339(now),
        "leaseTransitions": lease.transitions + 1,
    }
    return {"metadata": {"resourceVersion": lease.version}, "spec": spec}


def renewed(lease: Lease, *, now: datetime.datetime) -> Body:
    """The merge patch that keeps a Lease ours."""
    spec = {"renewTime": clock.rfc3339(now)}
    return {"metadata": {"resourceVersion": lease.version}, "spec": spec}


def given_back(lease: Lease, *, now: datetime.datetime) -> Body:
    """The merge patch after which nobody leads, so that somebody else may at once."""
    spec = {"holderIdentity": "", "renewTime": clock.rfc3339(now)}
    return {"metadata": {"resourceVersion": lease.version}, "spec": spec}


def _held(me: str, timing: Timing) -> Body:
    # The API takes whole seconds; a little longer is safe, a little shorter is not.
    return {"holderIdentity": me, "leaseDurationSeconds": math.ceil(timing.lasts_s)}
