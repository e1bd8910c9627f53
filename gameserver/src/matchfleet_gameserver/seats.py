"""The seats of one match: who holds which, and what its holder wants to do.

A seat of a human is waiting until its player came, then held by one connection, or by the game's
own rules when that is gone. A new connection of the same player takes the seat over at once.
"""

import collections
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NewType

from matchfleet_contracts import wire
from matchfleet_contracts.ids import PlayerId, Seat
from matchfleet_contracts.resources import PlayerKind, RosterEntry
from matchfleet_gameserver import errors

Hold = NewType("Hold", int)
"""One connection's claim to a seat; a claim of an older connection no longer counts."""


@dataclass(slots=True)
class Chair:
    """The state of one seat.

    Attributes:
        player: who joined last; None before.
        hold: the claim that counts; None when no connection holds the seat.
        queue: inputs to come, as (number, the game's bytes), the oldest first.
        played_seq: the number of the last input that was played, of this connection.
        rejected: inputs of this connection that were none of the game's.
    """

    entry: RosterEntry
    queue: collections.deque[tuple[int, bytes]]
    player: PlayerId | None = None
    name: str = ""
    hold: Hold | None = None
    played_seq: int = 0
    rejected: int = 0

    @property
    def holder(self) -> wire.Holder:
        """Who plays the seat now."""
        if self.entry.kind is PlayerKind.BOT:
            return wire.Holder.BOT
        if self.hold is not None:
            return wire.Holder.HUMAN
        return wire.Holder.WAITING if self.player is None else wire.Holder.STAND_IN


@dataclass(slots=True)
class Seats:
    """All seats of a match, in the order of their numbers."""

    _chairs: dict[Seat, Chair]
    _claims: int = 0
    _used_tokens: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, roster: Iterable[RosterEntry], *, max_queued_inputs: int) -> "Seats":
        """The seats of a roster, none of them taken."""
        entries = sorted(roster, key=lambda entry: entry.seat)
        return cls(
            {
                Seat(entry.seat): Chair(entry, collections.deque(maxlen=max_queued_inputs))
                for entry in entries
            }
        )

    def __iter__(self) -> Iterator[tuple[Seat, Chair]]:
        return iter(self._chairs.items())

    def __getitem__(self, seat: Seat) -> Chair:
        return self._chairs[seat]

    def take(self, seat: Seat, player: PlayerId, *, name: str, token_id: str) -> Hold:
        """Give a seat to a player whose join token was verified.

        Raises:
            errors.JoinRefused: the token was used, or the seat is a bot's or another player's.
        """
        if token_id in self._used_tokens:
            raise errors.JoinRefused(wire.CloseCode.TOKEN_REFUSED, "the join token was used before")
        chair = self._chairs.get(seat)
        if chair is None or chair.entry.kind is PlayerKind.BOT:
            raise errors.JoinRefused(wire.CloseCode.SEAT_TAKEN, f"seat {seat} is not a player's")
        if chair.hold is not None and chair.player != player:
            raise errors.JoinRefused(wire.CloseCode.SEAT_TAKEN, f"seat {seat} is another player's")
        self._used_tokens.add(token_id)
        self._claims += 1
        chair.player, chair.name, chair.hold = player, name, Hold(self._claims)
        chair.queue.clear()
        chair.played_seq = chair.rejected = 0
        return chair.hold

    def drop(self, seat: Seat, hold: Hold) -> bool:
        """End a connection's claim; whether it still counted."""
        chair = self._chairs[seat]
        if chair.hold != hold:
            return False
        chair.hold = None
        chair.queue.clear()
        return True

    def put(self, seat: Seat, hold: Hold, frame: wire.Input) -> int:
        """Queue a connection's inputs; the number of inputs that gave way or do not count."""
        chair = self._chairs[seat]
        if chair.hold != hold:
            return len(frame.inputs)
        before = len(chair.queue) + len(frame.inputs)
        chair.queue.extend(enumerate(frame.inputs, start=frame.first_seq))
        return before - len(chair.queue)

    @property
    def has_humans(self) -> bool:
        """Whether any seat is a player's."""
        return any(c.entry.kind is PlayerKind.HUMAN for c in self._chairs.values())

    @property
    def any_joined(self) -> bool:
        """Whether any player came, even if that one has left since."""
        return any(c.player is not None for c in self._chairs.values())

    @property
    def all_joined(self) -> bool:
        """Whether every player came; true of a match of bots alone."""
        return all(c.holder is not wire.Holder.WAITING for c in self._chairs.values())

    def presence(self) -> wire.Presence:
        """What everybody may know of the seats."""
        return wire.Presence(
            seats=tuple(
                wire.SeatPresence(
                    seat=seat,
                    team=chair.entry.team,
                    holder=chair.holder,
                    name=chair.name or (chair.entry.bot or ""),
                )
                for seat, chair in self
            )
        )
