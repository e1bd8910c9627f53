import msgspec
import pytest

from matchfleet_client import errors, game, models, sockets
from matchfleet_contracts import results, wire
from matchfleet_contracts.ids import Seat
from matchfleet_contracts.wire import codec

JOIN = models.Join(url="ws://pod", token="t0", seat=Seat(1), expires_at="")
WELCOME = wire.Welcome(
    version=1, seat=1, tick=0, tick_hz=60, snapshot_hz=30, game="echo", config={}
)
RESULT = results.Result(
    match_uid="u",
    outcome=results.Outcome.COMPLETED,
    standings=[
        results.Standing(seat=0, rank=1, score=2),
        results.Standing(seat=1, rank=2, score=1),
    ],
    ticks=300,
    tick_hz=60,
    achieved_hz=60.0,
    late_ticks=0,
)
END = wire.End(is_provisional=True, result=msgspec.json.encode(RESULT))


class Echo:
    """Answers each view with itself."""

    name = "echo"

    def act(self, view: bytes, seat: int) -> bytes:  # noqa: ARG002
        return view

    def score(self, view: bytes) -> tuple[tuple[int, ...], float]:  # noqa: ARG002
        return (0,), 0.0


class Server:
    """A game server's socket: tells its frames in turn, then closes with a code."""

    def __init__(self, *frames: wire.ServerFrame, code: int = 1006) -> None:
        self.frames = list(frames)
        self.code = code
        self.half = wire.ServerConnection()
        self.heard: list[object] = []
        self.is_closed = False

    async def dial(self, url: str, subprotocol: str) -> sockets.Socket:
        assert (url, subprotocol) == ("ws://pod", "matchfleet.v1")
        return self

    async def send(self, message: str | bytes) -> None:
        self.heard.append(self.half.receive(message))
        if isinstance(self.heard[-1], wire.Hello):
            self.half.admit(WELCOME)

    async def receive(self) -> str | bytes:
        if not self.frames:
            raise sockets.Closed(self.code, "")
        return codec.encode_server(self.frames.pop(0))

    async def close(self) -> None:
        self.is_closed = True


async def play(server: Server, seen: list[game.Seen] | None = None) -> game.Over:
    watch = seen.append if seen is not None else lambda _: None
    return await game.play(JOIN, Echo(), dial=server.dial, seen=watch)


async def test_each_snapshot_is_seen_and_answered_by_one_numbered_input() -> None:
    views = [
        wire.Full(tick=2, ack_seq=0, view=b"a"),
        wire.Full(tick=4, ack_seq=1, view=b"b"),
    ]
    server = Server(WELCOME, *views, END)
    seen: list[game.Seen] = []
    over = await play(server, seen)
    assert over == game.Over(RESULT)
    assert [one.view for one in seen] == [b"a", b"b"]
    assert server.heard == [
        wire.Hello(version=1, token="t0"),
        wire.Input(snapshot_tick=2, first_seq=1, inputs=(b"a",)),
        wire.Input(snapshot_tick=4, first_seq=2, inputs=(b"b",)),
    ]
    assert server.is_closed


class ClosedServer(Server):
    """One that has closed, while what it said before is still to be read."""

    async def send(self, message: str | bytes) -> None:
        if self.heard:
            raise sockets.Closed(wire.CloseCode.ENDED, "")
        await super().send(message)


async def test_the_last_words_of_a_server_that_closed_are_read() -> None:
    last = wire.Full(tick=2, ack_seq=0, view=b"a")
    server = ClosedServer(WELCOME, last, END, code=wire.CloseCode.ENDED)
    assert await play(server) == game.Over(RESULT)


async def test_other_frames_are_passed_over() -> None:
    others: list[wire.ServerFrame] = [
        wire.Presence(seats=()),
        wire.Event(seq=1, data={"type": "started"}),
        wire.Drain(seconds=5),
    ]
    assert (await play(Server(WELCOME, *others, END))).result == RESULT


@pytest.mark.parametrize("code", sorted(game.MATCH_OVER))
async def test_a_match_that_is_over_ends_play_without_a_result(code: wire.CloseCode) -> None:
    assert await play(Server(WELCOME, wire.Error(code=code, text=""))) == game.Over(None)
    assert await play(Server(WELCOME, code=code)) == game.Over(None)


@pytest.mark.parametrize("code", sorted(game.MAY_COME_BACK))
async def test_after_some_codes_the_player_may_come_back(code: wire.CloseCode) -> None:
    with pytest.raises(sockets.Closed):
        await play(Server(wire.Error(code=code, text="")))


async def test_a_seat_that_is_taken_is_refused_for_good() -> None:
    error = wire.Error(code=wire.CloseCode.SEAT_TAKEN, text="the seat is a bot's")
    with pytest.raises(errors.GameRefused, match="seat_taken") as refused:
        await play(Server(error))
    assert refused.value.code == "seat_taken"


async def test_a_broken_connection_is_told_from_an_end() -> None:
    with pytest.raises(sockets.Closed):
        await play(Server(WELCOME))


async def test_a_server_that_breaks_the_protocol_is_named() -> None:
    with pytest.raises(errors.ReplyInvalid, match="frame"):
        await play(Server(WELCOME, WELCOME))
