"""A Fleet as `matchfleet fleet status` shows it: its servers, what goes on, what is wrong. Pure.

Everything comes from the Fleet's own resource, so it is what `kubectl get fleet -o yaml` says, put
together for people.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from matchfleet_client import errors

BAR_CELLS = 10
_TROUBLE = ("Degraded", "CapacityLimited", "ScalingLimited")


class Condition(msgspec.Struct, frozen=True):
    """One condition of a Fleet."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class Revision(msgspec.Struct, frozen=True):
    """Servers and matches of one revision; a greater number is newer."""

    revision: str
    number: int
    idle: int = 0
    starting: int = 0
    busy: int = 0
    played: int = 0
    late: int = 0
    crashes: list[str] = []

    @property
    def supply(self) -> int:
        """Its servers that play no match."""
        return self.idle + self.starting


class _Spec(msgspec.Struct, frozen=True):
    game: str
    region: str
    max: int
    warm: int = 0


class _Status(msgspec.Struct, frozen=True, rename="camel"):
    idle: int = 0
    starting: int = 0
    busy: int = 0
    draining: int = 0
    waiting: int = 0
    desired_warm: int | None = None
    scaling: str = ""
    revision: str = ""
    blocked_revision: str = ""
    revisions: list[Revision] = []
    conditions: list[Condition] = []


class _Meta(msgspec.Struct, frozen=True):
    name: str
    namespace: str = ""


class _Resource(msgspec.Struct, frozen=True):
    metadata: _Meta
    spec: _Spec
    status: _Status = _Status()


class Fleet(msgspec.Struct, frozen=True):
    """What is shown of one Fleet, and what `--json` prints.

    Attributes:
        wanted: idle servers it keeps; scaling says why, where an autoscaler decides.
        revision: the one that new servers get; blocked_revision: one that was given up.
        remarks: what goes on or is wrong, a sentence each.
    """

    name: str
    namespace: str
    game: str
    region: str
    wanted: int
    max: int
    idle: int
    starting: int
    busy: int
    draining: int
    waiting: int
    scaling: str
    revision: str
    blocked_revision: str
    revisions: list[Revision]
    conditions: list[Condition]
    remarks: list[str]


def read(resource: Any) -> Fleet:
    """A Fleet from its resource.

    Raises:
        errors.ReplyInvalid: it is none.
    """
    try:
        found = msgspec.convert(resource, _Resource)
    except msgspec.ValidationError as error:
        raise errors.ReplyInvalid("what kubectl printed", str(error)) from error
    spec, status = found.spec, found.status
    wanted = spec.warm if status.desired_warm is None else status.desired_warm
    return Fleet(
        name=found.metadata.name,
        namespace=found.metadata.namespace,
        game=spec.game,
        region=spec.region,
        wanted=wanted,
        max=spec.max,
        idle=status.idle,
        starting=status.starting,
        busy=status.busy,
        draining=status.draining,
        waiting=status.waiting,
        scaling=status.scaling,
        revision=status.revision,
        blocked_revision=status.blocked_revision,
        revisions=sorted(status.revisions, key=lambda r: r.number),
        conditions=status.conditions,
        remarks=_remarks(status, wanted),
    )


def bar(done: int, wanted: int) -> str:
    """How much of what is wanted is there, drawn and in numbers."""
    share = 1.0 if wanted <= 0 else min(1.0, done / wanted)
    full = int(share * BAR_CELLS)
    return f"{'█' * full}{'░' * (BAR_CELLS - full)} {done}/{wanted}"


def _remarks(status: _Status, wanted: int) -> list[str]:
    said = [_rollout(status.revisions, wanted), status.scaling]
    for condition in status.conditions:
        is_trouble = condition.type in _TROUBLE and condition.status == "True"
        is_progress = condition.type == "Progressing" and condition.status == "True"
        if is_trouble or (is_progress and condition.message):
            words = condition.message or condition.reason
            said.append(f"{condition.type}: {words}")
        elif condition.type == "Available" and condition.status == "False":
            said.append("Available: no server is idle")
    return [remark for remark in said if remark]


def _rollout(revisions: Sequence[Revision], wanted: int) -> str:
    """How far the newest revision has got, while servers of older ones wait for matches."""
    living = sorted((r for r in revisions if r.supply or r.busy), key=lambda r: r.number)
    if not living or not any(r.supply for r in living[:-1]):
        return ""
    newest = living[-1]
    older = sum(r.supply for r in living[:-1])
    drawn = bar(newest.idle, max(wanted, 1))
    return f"rollout: {drawn} of {newest.revision}, {older} of older revisions left"
