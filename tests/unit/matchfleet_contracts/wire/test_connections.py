"""Who may say what when, on both ends, whatever the other end sends."""

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts import errors, wire
from matchfleet_contracts.wire import codec

WELCOME = wire.Welcome(
    version=1, seat=0, tick=0, tick_hz=60, snapshot_hz=30, game="g", config={"a": 1}
)
FRAMES = (
    codec.encode_client(wire.Hello(version=1, token="t")),
    codec.encode_client(wire.Hello(version=2, token="t")),
    codec.encode_client(wire.Input(snapshot_tick=0, first_seq=1, inputs=(b"a",))),
    codec.encode_client(wire.Input(snapshot_tick=9, first_seq=2, inputs=(b"b", b"c"))),
    codec.encode_client(wire.Ping(nonce=1)),
    codec.encode_client(wire.Leave()),
)
MESSAGES = st.sampled_from(FRAMES) | st.binary(max_size=20) | st.text(max_size=5)


def _open() -> tuple[wire.ClientConnection, wire.ServerConnection]:
    client, server = wire.ClientConnection(), wire.ServerConnection()
    assert isinstance(server.receive(client.hello("t")), wire.Hello)
    client.receive(server.admit(WELCOME))
    return client, server


@hypothesis.settings(max_examples=300)
@hypothesis.given(st.lists(MESSAGES, max_size=12))
def test_a_server_survives_any_messages_and_closes_at_the_first_wrong_one(
    messages: list[bytes | str],
) -> None:
    server = wire.ServerConnection()
    is_over = False
    for message in messages:
        said = server.receive(message)
        assert said is None or not is_over
        if isinstance(said, wire.Violation):
            error = codec.decode_server(said.error)
            assert isinstance(error, wire.Error)
            assert (error.code, error.text) == (said.code, said.text)
        if isinstance(said, wire.Violation | wire.Leave):
            is_over = True
            assert not server.is_open
        if isinstance(said, wire.Hello):
            server.admit(WELCOME)


@hypothesis.given(st.lists(st.tuples(st.integers(1, 12), st.integers(1, 4)), max_size=20))
def test_inputs_are_played_once_each_and_in_order(sends: list[tuple[int, int]]) -> None:
    _, server = _open()
    played: list[bytes] = []
    for first, count in sends:
        inputs = tuple(bytes((n,)) for n in range(first, first + count))
        raw = codec.encode_client(wire.Input(snapshot_tick=0, first_seq=first, inputs=inputs))
        said = server.receive(raw)
        if isinstance(said, wire.Violation):
            assert first > len(played) + 1
            break
        if isinstance(said, wire.Input):
            assert said.first_seq == len(played) + 1
            played.extend(said.inputs)
        assert server.last_seq == len(played)
    assert played == [bytes((n,)) for n in range(1, len(played) + 1)]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("text", wire.CloseCode.PROTOCOL),
        (b"", wire.CloseCode.PROTOCOL),
        (b"\xff", wire.CloseCode.PROTOCOL),
        (FRAMES[1], wire.CloseCode.VERSION_UNKNOWN),
        (FRAMES[2], wire.CloseCode.PROTOCOL),
        (FRAMES[5], wire.CloseCode.PROTOCOL),
    ],
)
def test_only_a_hello_of_this_version_opens(message: bytes | str, code: wire.CloseCode) -> None:
    said = wire.ServerConnection().receive(message)
    assert isinstance(said, wire.Violation)
    assert said.code is code


def test_a_second_hello_is_a_violation() -> None:
    client, server = _open()
    said = server.receive(client.hello("t"))
    assert isinstance(said, wire.Violation)
    assert server.receive(client.ping(1)) is None


def test_a_gap_in_the_numbers_is_a_violation() -> None:
    client, server = _open()
    client.inputs(b"lost")
    said = server.receive(client.inputs(b"next"))
    assert isinstance(said, wire.Violation)
    assert "without a gap" in said.text


def test_a_snapshot_tick_never_goes_back() -> None:
    _, server = _open()
    server.receive(codec.encode_client(wire.Input(snapshot_tick=8, first_seq=1, inputs=(b"a",))))
    server.receive(codec.encode_client(wire.Input(snapshot_tick=4, first_seq=2, inputs=(b"a",))))
    assert server.snapshot_tick == 8


def test_a_player_is_admitted_once() -> None:
    _, server = _open()
    with pytest.raises(AssertionError):
        server.admit(WELCOME)


def test_a_client_numbers_its_inputs_and_says_which_snapshot_it_saw() -> None:
    client, server = _open()
    server.receive(client.inputs(b"a", b"b"))
    client.receive(codec.encode_full(7, 2, b"view"))
    said = server.receive(client.inputs(b"c"))
    assert said == wire.Input(snapshot_tick=7, first_seq=3, inputs=(b"c",))
    assert (client.tick, client.ack_seq, client.sent_seq) == (7, 2, 3)


@pytest.mark.parametrize(
    "message",
    [
        "text",
        b"",
        codec.encode_server(WELCOME),
        codec.encode_full(4, 0, b""),
        codec.encode_full(6, 3, b""),
        codec.encode_full(6, 0, b""),
    ],
    ids=["text", "empty", "second welcome", "back in time", "not sent", "acknowledged less"],
)
def test_a_client_refuses_what_may_not_come(message: bytes | str) -> None:
    client, _ = _open()
    client.inputs(b"a", b"b")
    client.receive(codec.encode_full(5, 1, b""))
    with pytest.raises(errors.FrameInvalid):
        client.receive(message)


def test_a_client_waits_for_welcome_and_takes_nothing_after_the_end() -> None:
    client = wire.ClientConnection()
    with pytest.raises(errors.FrameInvalid):
        client.receive(codec.encode_full(1, 0, b""))
    with pytest.raises(errors.FrameInvalid):
        client.receive(codec.encode_server(wire.Welcome(2, 0, 0, 60, 30, "g", {})))
    client.receive(codec.encode_server(WELCOME))
    assert client.is_open
    client.receive(codec.encode_server(wire.End(is_provisional=True, result=b"{}")))
    assert not client.is_open
    with pytest.raises(errors.FrameInvalid):
        client.receive(codec.encode_full(1, 0, b""))


def test_a_refused_client_hears_why() -> None:
    client, server = wire.ClientConnection(), wire.ServerConnection()
    server.receive(client.hello("t"))
    said = client.receive(server.refuse(wire.CloseCode.SEAT_TAKEN, "taken"))
    assert said == wire.Error(code=wire.CloseCode.SEAT_TAKEN, text="taken")
    assert not client.is_open
    assert server.receive(client.ping(1)) is None
