"""What connected players are sent, and what becomes of those who do not read."""

from typing import Any

from matchfleet_contracts import wire
from matchfleet_contracts.ids import PlayerId, Seat
from matchfleet_contracts.wire import codec
from matchfleet_gameserver import players, seats

S0, S1 = Seat(0), Seat(1)
LIMIT = 1000
PONG = codec.encode_server(wire.Pong(nonce=1, tick=1))


class Wire:
    """A link that keeps what it is given, and does not send it while it is stuck."""

    def __init__(self) -> None:
        self.sent: list[wire.ServerFrame] = []
        self.unsent_bytes = 0
        self.is_stuck = False
        self.code: wire.CloseCode | None = None

    def send(self, message: bytes) -> None:
        self.sent.append(codec.decode_server(message))
        if self.is_stuck:
            self.unsent_bytes += len(message)

    def close(self, code: wire.CloseCode, text: str) -> None:
        del text
        self.code = self.code or code


def _player(seat: Seat, hold: int = 1) -> tuple[players.Player, Wire]:
    half, link = wire.ServerConnection(), Wire()
    half.receive(wire.ClientConnection().hello("t"))
    half.admit(wire.Welcome(1, seat, 0, 60, 30, "g", {}))
    return players.Player(seat=seat, hold=seats.Hold(hold), link=link, half=half), link


def _connected() -> tuple[players.Players, Wire, Wire]:
    connected = players.Players(max_reliable_bytes=LIMIT)
    (one, link_one), (two, link_two) = _player(S0), _player(S1)
    assert not connected.add(one)
    assert not connected.add(two)
    return connected, link_one, link_two


def _show(connected: players.Players, of: Any, tick: int) -> None:
    connected.show(tick, lambda seat: bytes((seat,)) * 20, of.seats)


def test_each_player_is_shown_its_own_view_and_acknowledged_its_own_inputs(a: Any) -> None:
    of = a.match()
    of.seats.take(S1, PlayerId("p"), name="p", token_id="t")
    of.seats[S1].played_seq = 9
    connected, one, two = _connected()
    _show(connected, of, 4)
    assert one.sent == [wire.Full(tick=4, ack_seq=0, view=bytes(20))]
    assert two.sent == [wire.Full(tick=4, ack_seq=9, view=b"\x01" * 20)]


def test_a_slow_player_misses_snapshots_and_gets_the_newest_when_it_reads_again(a: Any) -> None:
    connected, one, two = _connected()
    one.is_stuck = True
    for tick in range(1, 11):
        _show(connected, a.match(), tick)
    assert [frame.tick for frame in one.sent if isinstance(frame, wire.Full)] == [1, 2]
    assert len(two.sent) == 10, "the other is not slowed"
    one.is_stuck, one.unsent_bytes = False, 0
    _show(connected, a.match(), 11)
    assert isinstance(one.sent[-1], wire.Full)
    assert one.sent[-1].tick == 11
    assert one.code is None


def test_a_player_that_reads_nothing_it_must_not_miss_is_closed_as_slow() -> None:
    connected, one, two = _connected()
    one.is_stuck = True
    for _ in range(LIMIT):
        connected.tell(PONG)
    assert one.code is wire.CloseCode.SLOW
    assert one.unsent_bytes < LIMIT + 100, "nothing is added after the close"
    assert two.code is None
    assert len(two.sent) == LIMIT


def test_a_new_connection_replaces_the_old_one_and_is_told_why() -> None:
    connected, one, _ = _connected()
    again, _ = _player(S0, hold=2)
    assert connected.add(again)
    assert one.code is wire.CloseCode.REPLACED
    assert isinstance(one.sent[-1], wire.Error)
    assert connected.get(S0) is again
    assert len(connected) == 2


def test_everybody_who_is_there_hears_the_end() -> None:
    connected, one, two = _connected()
    players.refuse(next(iter(connected)), wire.CloseCode.KICKED, "no")
    end = wire.End(is_provisional=True, result=b"{}")
    connected.end(end, wire.CloseCode.ENDED, text="")
    assert two.sent == [end]
    assert (one.code, two.code) == (wire.CloseCode.KICKED, wire.CloseCode.ENDED)
    assert end not in one.sent


def test_who_left_is_sent_nothing() -> None:
    connected, one, two = _connected()
    connected.remove(S0)
    connected.remove(S0)
    connected.tell(PONG)
    assert (one.sent, len(two.sent)) == ([], 1)
