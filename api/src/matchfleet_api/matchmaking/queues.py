"""What a queue is: how many play, where, how alike they must be, and how long anybody waits.

Queues come from one JSON file (`MATCHFLEET_QUEUES_FILE`), read at start. It is checked as a whole
and refused with the place of the first mistake, because a queue that is half understood matches
people into matches that no server can play.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import msgspec

from matchfleet_api import errors
from matchfleet_contracts import resources
from matchfleet_contracts.ids import FleetName

MAX_SEATS = 64
_NAME = re.compile(r"^[a-z][a-z0-9-]{0,31}$")
_FLEET = re.compile(r"^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$")


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far ratings may lie apart: `start`, widened `per_second` of the oldest wait, to `max`."""

    start: int = 100
    per_second: float = 20
    max: int = 800


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Deadlines of each match in seconds, as the Match resource has them."""

    assign_seconds: int = 60
    join_seconds: int = 30
    max_seconds: int = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """One game in one mode.

    Attributes:
        regions: the fleets of each region, in order.
        bot: policy of bots that fill empty seats; None for the game's own rules.
        bot_after_s: wait after which bots fill empty seats; None means never.
        rtt_cap_ms: round trip above which a region is out of the question.
    """

    game: str
    mode: str
    regions: Mapping[str, tuple[FleetName, ...]]
    teams: int
    team_size: int
    ranked: bool
    config: Mapping[str, int | str]
    window: Window
    rtt_cap_ms: int
    bot_after_s: float | None
    bot: str | None
    ticket_ttl_s: int
    limits: resources.Limits

    @property
    def seats(self) -> int:
        """How many play one match."""
        return self.teams * self.team_size

    @property
    def key(self) -> str:
        """`game/mode`, in logs, metrics and locks."""
        return f"{self.game}/{self.mode}"


Queues = Mapping[tuple[str, str], Queue]
"""Queues by game and mode."""


def load(path: Path) -> Queues:
    """The queues of a file.

    Raises:
        errors.QueuesInvalid: it cannot be read, or does not describe queues.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise errors.QueuesInvalid(f"MATCHFLEET_QUEUES_FILE: {error}") from error
    try:
        return parse(text)
    except errors.QueuesInvalid as error:
        raise errors.QueuesInvalid(f"{path}: {error}") from error


def parse(text: bytes) -> Queues:
    """The queues that a file's text describes.

    Raises:
        errors.QueuesInvalid: with the place of the first mistake.
    """
    try:
        file = msgspec.json.decode(text, type=_File)
    except msgspec.DecodeError as error:
        raise errors.QueuesInvalid(str(error)) from error
    if not file.queues:
        raise errors.QueuesInvalid("$.queues is empty: describe at least one queue")
    found: dict[tuple[str, str], Queue] = {}
    for index, entry in enumerate(file.queues):
        place = f"$.queues[{index}]"
        _check(entry, place)
        key = (entry.game, entry.mode)
        if key in found:
            raise errors.QueuesInvalid(f"{place}: {entry.game}/{entry.mode} stands twice")
        found[key] = _queue(entry)
    return MappingProxyType(found)


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    game: str
    mode: str
    regions: dict[str, list[str]]
    teams: int = 2
    team_size: int = 1
    ranked: bool = False
    config: dict[str, int | str] = {}
    window: Window = Window()
    rtt_cap_ms: int = 200
    bot_after_s: float | None = None
    bot: str | None = None
    ticket_ttl_s: int = 300
    limits: Limits = Limits()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    queues: list[_Entry]


def _check(entry: _Entry, place: str) -> None:
    for name in ("game", "mode"):
        _check_name(getattr(entry, name), f"{place}.{name}")
    if not entry.regions:
        raise errors.QueuesInvalid(f"{place}.regions is empty: name a region and its fleets")
    for region, fleets in entry.regions.items():
        _check_name(region, f"{place}.regions")
        if not 1 <= len(fleets) <= 8 or len(set(fleets)) != len(fleets):
            raise errors.QueuesInvalid(f"{place}.regions.{region}: 1 to 8 different fleets")
        if not all(_FLEET.match(fleet) for fleet in fleets):
            raise errors.QueuesInvalid(f"{place}.regions.{region}: {fleets} are no fleet names")
    for holds, field, rule in _rules(entry):
        if not holds:
            raise errors.QueuesInvalid(f"{place}.{field}: {rule}")


def _rules(entry: _Entry) -> list[tuple[bool, str, str]]:
    limits, window = entry.limits, entry.window
    return [
        (entry.teams >= 1 and entry.team_size >= 1, "teams", "at least one team of one"),
        (entry.teams * entry.team_size <= MAX_SEATS, "teams", f"at most {MAX_SEATS} seats"),
        (0 <= window.start <= window.max, "window", "0 <= start <= max"),
        (window.per_second >= 0, "window.per_second", "not negative"),
        (entry.rtt_cap_ms > 0, "rtt_cap_ms", "more than 0"),
        (entry.bot_after_s is None or entry.bot_after_s >= 0, "bot_after_s", "not negative"),
        (entry.bot is None or 1 <= len(entry.bot) <= 64, "bot", "1 to 64 characters"),
        (1 <= entry.ticket_ttl_s <= 86_400, "ticket_ttl_s", "1 to 86400"),
        (1 <= limits.assign_seconds <= 3_600, "limits.assignSeconds", "1 to 3600"),
        (1 <= limits.join_seconds <= 3_600, "limits.joinSeconds", "1 to 3600"),
        (5 <= limits.max_seconds <= 86_400, "limits.maxSeconds", "5 to 86400"),
        (len(entry.config) <= 32, "config", "at most 32 entries"),
    ]


def _check_name(name: str, place: str) -> None:
    if not _NAME.match(name):
        raise errors.QueuesInvalid(
            f"{place}: {name!r} is no name: a letter, then letters, digits and dashes, 32 at most"
        )


def _queue(entry: _Entry) -> Queue:
    return Queue(
        game=entry.game,
        mode=entry.mode,
        regions=MappingProxyType(
            {
                region: tuple(FleetName(f) for f in fleets)
                for region, fleets in entry.regions.items()
            }
        ),
        teams=entry.teams,
        team_size=entry.team_size,
        ranked=entry.ranked,
        config=MappingProxyType(entry.config),
        window=entry.window,
        rtt_cap_ms=entry.rtt_cap_ms,
        bot_after_s=entry.bot_after_s,
        bot=entry.bot,
        ticket_ttl_s=entry.ticket_ttl_s,
        limits=resources.Limits(
            assign_seconds=entry.limits.assign_seconds,
            join_seconds=entry.limits.join_seconds,
            max_seconds=entry.limits.max_seconds,
        ),
    )
