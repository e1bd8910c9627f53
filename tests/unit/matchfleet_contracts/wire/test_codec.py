"""Frames survive their bytes, and no bytes do anything but give a frame or FrameInvalid."""

import contextlib
import string

import hypothesis
import pytest
from hypothesis import strategies as st

from matchfleet_contracts import errors, wire
from matchfleet_contracts.wire import codec

U8 = st.integers(0, 255)
U32 = st.integers(0, 0xFFFF_FFFF)
NAMES = st.text(max_size=60)
CONFIGS = st.dictionaries(st.text(max_size=10), st.integers(-1000, 1000) | st.text(max_size=10))
DATA = st.dictionaries(st.text(max_size=10), st.integers(0, 9) | st.text(max_size=20), max_size=5)
INPUTS = st.integers(1, 64).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=32)
)
CLIENT = st.one_of(
    st.builds(wire.Hello, version=U8, token=st.text(string.ascii_letters + ".", max_size=500)),
    st.builds(
        wire.Input,
        snapshot_tick=U32,
        first_seq=st.integers(1, 1_000_000),
        inputs=INPUTS.map(tuple),
    ),
    st.builds(wire.Ping, nonce=U32),
    st.just(wire.Leave()),
)
SEATS = st.builds(
    wire.SeatPresence, seat=U8, team=U8, holder=st.sampled_from(wire.Holder), name=NAMES
)
SERVER = st.one_of(
    st.builds(
        wire.Welcome,
        version=U8,
        seat=U8,
        tick=U32,
        tick_hz=st.integers(60, 255),
        snapshot_hz=st.integers(1, 60),
        game=NAMES,
        config=CONFIGS,
    ),
    st.builds(wire.Full, tick=U32, ack_seq=U32, view=st.binary(max_size=200)),
    st.builds(wire.Event, seq=U32, data=DATA),
    st.builds(wire.Presence, seats=st.lists(SEATS, max_size=8).map(tuple)),
    st.builds(wire.Pong, nonce=U32, tick=U32),
    st.builds(wire.Drain, seconds=st.integers(0, 0xFFFF)),
    st.builds(wire.End, is_provisional=st.booleans(), result=st.binary(max_size=100)),
    st.builds(wire.Error, code=st.sampled_from(wire.CloseCode), text=NAMES),
)
KINDS = st.sampled_from([*range(0x01, 0x05), *range(0x81, 0x89), 0x00, 0xFF])
HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda kind, rest: bytes((kind,)) + rest, KINDS, st.binary(max_size=100)),
    st.builds(
        lambda raw, at, byte: raw[: at % len(raw)] + bytes((byte,)) + raw[at % len(raw) + 1 :],
        CLIENT.map(codec.encode_client) | SERVER.map(codec.encode_server),
        st.integers(0, 400),
        U8,
    ),
)


@hypothesis.given(CLIENT)
def test_a_client_frame_survives_its_bytes(frame: wire.ClientFrame) -> None:
    assert codec.decode_client(codec.encode_client(frame)) == frame


@hypothesis.given(SERVER)
def test_a_server_frame_survives_its_bytes(frame: wire.ServerFrame) -> None:
    assert codec.decode_server(codec.encode_server(frame)) == frame


@hypothesis.settings(max_examples=500)
@hypothesis.given(HOSTILE)
def test_any_bytes_give_a_frame_or_frame_invalid(raw: bytes) -> None:
    for decode in (codec.decode_client, codec.decode_server):
        with contextlib.suppress(errors.FrameInvalid):
            decode(raw)


@hypothesis.given(CLIENT.map(codec.encode_client), st.data())
def test_a_cut_or_lengthened_client_frame_is_refused(raw: bytes, data: st.DataObject) -> None:
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    with pytest.raises(errors.FrameInvalid):
        codec.decode_client(cut)
    with pytest.raises(errors.FrameInvalid):
        codec.decode_client(raw + b"x")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b"\x00", "not known"),
        (b"\x82" + bytes(8), "not known"),
        (b"\x01" + bytes(5000), "too long"),
        (b"\x02" + bytes(4) + b"\x01\0\0\0" + b"\0\x05", "1 to 32 inputs"),
        (b"\x02" + bytes(4) + b"\x01\0\0\0" + b"\x21\x01" + bytes(33), "1 to 32 inputs"),
        (b"\x02" + bytes(4) + b"\x01\0\0\0" + b"\x01\0", "1 to 32 inputs"),
        (b"\x02" + bytes(4) + b"\0\0\0\0" + b"\x01\x01" + b"a", "numbered from 1"),
        (b"\x02" + bytes(4) + b"\xff\xff\xff\xff" + b"\x01\x01" + b"a", "numbered from 1"),
        (b"\x01\x01\x02\x00\xc3\xa9", "ascii"),
    ],
)
def test_what_is_wrong_with_a_client_frame_is_said(raw: bytes, why: str) -> None:
    with pytest.raises(errors.FrameInvalid, match=why):
        codec.decode_client(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x83\x01\0\0\0" + b"[" * 3000,
        b"\x83\x01\0\0\0" + b'{"a":' * 600,
        b"\x83\x01\0\0\0" + b"[]",
        b"\x83\x01\0\0\0" + b'{"a":"' + b"x" * 5000 + b'"}',
        b"\x84\x01\x00\x00\x09\x00",
        b"\x84\x01\x00\x00\x01\x05ab",
        b"\x87\x02{}",
        b"\x88\x00\x00no",
        b"\x88\xa0\x0f" + b"x" * 600,
        b"\x88\xa0\x0f\xff",
        b"\x81\x01\x00\0\0\0\0\x1e\x3c\x00\x02\x00{}",
    ],
)
def test_a_server_frame_that_cannot_be_is_refused(raw: bytes) -> None:
    with pytest.raises(errors.FrameInvalid):
        codec.decode_server(raw)


def test_a_value_that_does_not_fit_is_a_bug_of_the_sender() -> None:
    with pytest.raises(ValueError, match="one length"):
        codec.encode_client(wire.Input(snapshot_tick=0, first_seq=1, inputs=(b"a", b"bb")))
    with pytest.raises(ValueError, match="at most 4096"):
        codec.encode_server(wire.Event(seq=1, data={"text": "x" * 5000}))
    with pytest.raises(ValueError, match="at most 65527 fit"):
        codec.encode_server(wire.Full(tick=1, ack_seq=0, view=bytes(65_528)))
    longest = codec.encode_server(wire.Full(tick=1, ack_seq=0, view=bytes(65_527)))
    assert isinstance(codec.decode_server(longest), wire.Full)
    with pytest.raises(ValueError, match="too long"):
        codec.encode_server(wire.End(is_provisional=True, result=bytes(70_000)))


def test_long_names_and_texts_are_cut_between_characters() -> None:
    seat = wire.SeatPresence(seat=0, team=0, holder=wire.Holder.HUMAN, name="é" * 200)
    presence = codec.decode_server(codec.encode_server(wire.Presence(seats=(seat,))))
    assert isinstance(presence, wire.Presence)
    assert presence.seats[0].name == "é" * 127
    error = codec.decode_server(
        codec.encode_server(wire.Error(code=wire.CloseCode.KICKED, text="é" * 400))
    )
    assert isinstance(error, wire.Error)
    assert error.text == "é" * 256


def test_a_join_token_is_not_in_the_text_of_a_hello() -> None:
    assert "secret" not in repr(wire.Hello(version=1, token="secret"))
