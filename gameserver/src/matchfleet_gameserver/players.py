"""The players that are connected to a match, and what each of them is sent.

Two kinds of frames: snapshots, of which only the latest counts and which a slow client misses, and
the rest, which must not be lost: a client that lets those pile up is closed, and may come back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matchfleet_contracts import wire
from matchfleet_contracts.ids import Seat
from matchfleet_contracts.wire import codec
from matchfleet_gameserver import links, metrics, seats


@dataclass(frozen=True, slots=True)
class Player:
    """A seated player; see links.Seated."""

    seat: Seat
    hold: seats.Hold
    link: links.Link
    half: wire.ServerConnection


class Players:
    """Who is connected, by seat."""

    def __init__(self, *, max_reliable_bytes: int) -> None:
        self._by_seat: dict[Seat, Player] = {}
        self._max_reliable_bytes = max_reliable_bytes

    def __len__(self) -> int:
        return len(self._by_seat)

    def __iter__(self) -> Iterator[Player]:
        return iter(tuple(self._by_seat.values()))

    def get(self, seat: Seat) -> Player | None:
        """Who is connected for a seat."""
        return self._by_seat.get(seat)

    def add(self, player: Player) -> bool:
        """Seat a player; whether that took the seat over from an older connection."""
        before = self._by_seat.get(player.seat)
        self._by_seat[player.seat] = player
        if before is None:
            return False
        refuse(before, wire.CloseCode.REPLACED, "the seat was taken over by another connection")
        return True

    def remove(self, seat: Seat) -> None:
        """A player's connection is gone."""
        self._by_seat.pop(seat, None)

    def tell(self, message: bytes) -> None:
        """Send to everybody what must not be lost."""
        for player in self:
            self.send(player, message)

    def send(self, player: Player, message: bytes) -> None:
        """Send what must not be lost."""
        if not player.half.is_open:
            return
        player.link.send(message)
        if player.link.unsent_bytes > self._max_reliable_bytes:
            refuse(player, wire.CloseCode.SLOW, "the client does not read what it is sent")

    def show(self, tick: int, view: Callable[[Seat], bytes], acks: seats.Seats) -> None:
        """Send a snapshot to everybody who has read all but the last two."""
        for seat, player in self._by_seat.items():
            if not player.half.is_open:
                continue
            shown = view(seat)
            if player.link.unsent_bytes > 2 * len(shown):
                metrics.SNAPSHOTS_SKIPPED.inc()
                continue
            player.link.send(codec.encode_full(tick, acks[seat].played_seq, shown))
            metrics.SNAPSHOTS_SENT.inc()

    def end(self, end: wire.End, code: wire.CloseCode, *, text: str) -> None:
        """Tell everybody how the match ended, and close."""
        for player in self:
            if player.half.is_open:
                player.link.send(player.half.end(end))
                player.link.close(code, text)


def refuse(player: Player, code: wire.CloseCode, text: str) -> None:
    """Say why, and close."""
    player.link.send(player.half.refuse(code, text))
    player.link.close(code, text)
