"""The bytes of each frame: one type byte, then fields in little-endian order.

A WebSocket message carries one frame. Decoding is total: bytes that are not exactly one frame give
FrameInvalid with a reason, and nothing else is ever raised. Encoding a value that its limits do not
allow is a bug of the caller and raises ValueError.
"""

import struct
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from matchfleet_contracts import errors
from matchfleet_contracts.wire import frames
from matchfleet_contracts.wire.codes import CloseCode

HELLO: Final = 0x01
INPUT: Final = 0x02
PING: Final = 0x03
LEAVE: Final = 0x04
WELCOME: Final = 0x81
FULL: Final = 0x82
EVENT: Final = 0x83
PRESENCE: Final = 0x84
PONG: Final = 0x85
DRAIN: Final = 0x86
END: Final = 0x87
ERROR: Final = 0x88

F = TypeVar("F")
_HELLO = struct.Struct("<BBH")
_INPUT = struct.Struct("<BIIBB")
_PING = struct.Struct("<BI")
_WELCOME = struct.Struct("<BBBIBBBH")
_FULL = struct.Struct("<BII")
_EVENT = struct.Struct("<BI")
_PRESENCE = struct.Struct("<BB")
_SEAT = struct.Struct("<BBBB")
_PONG = struct.Struct("<BII")
_DRAIN = struct.Struct("<BH")
_END = struct.Struct("<BB")
_ERROR = struct.Struct("<BH")
_CODES = frozenset(int(code) for code in CloseCode)


def encode_client(frame: frames.ClientFrame) -> bytes:
    """The bytes of a frame from client to server."""
    match frame:
        case frames.Hello():
            token = frame.token.encode("ascii")
            return _HELLO.pack(HELLO, frame.version, len(token)) + token
        case frames.Input():
            return _encode_input(frame)
        case frames.Ping():
            return _PING.pack(PING, frame.nonce)
        case frames.Leave():
            return bytes((LEAVE,))


def decode_client(raw: bytes) -> frames.ClientFrame:
    """The frame in a message from a client.

    Raises:
        errors.FrameInvalid: these bytes are not one.
    """
    if len(raw) > frames.MAX_CLIENT_FRAME_BYTES:
        raise errors.FrameInvalid(f"a frame of {len(raw)} bytes is too long")
    return _decoded(raw, _CLIENT)


def encode_server(frame: frames.ServerFrame) -> bytes:
    """The bytes of a frame from server to client."""
    raw = _encode_server(frame)
    if len(raw) > frames.MAX_SERVER_FRAME_BYTES:
        raise ValueError(f"a frame of {len(raw)} bytes is too long")
    return raw


def decode_server(raw: bytes) -> frames.ServerFrame:
    """The frame in a message from a server.

    Raises:
        errors.FrameInvalid: these bytes are not one.
    """
    if len(raw) > frames.MAX_SERVER_FRAME_BYTES:
        raise errors.FrameInvalid(f"a frame of {len(raw)} bytes is too long")
    return _decoded(raw, _SERVER)


def encode_full(tick: int, ack_seq: int, view: bytes) -> bytes:
    """The bytes of a FULL, without the value between: one is made for each client and snapshot.

    Raises:
        ValueError: the view is too long.
    """
    if len(view) > frames.MAX_VIEW_BYTES:
        raise ValueError(f"a view takes {len(view)} bytes and at most {frames.MAX_VIEW_BYTES} fit")
    return _FULL.pack(FULL, tick, ack_seq) + view


def _decoded(raw: bytes, kinds: dict[int, Callable[[bytes], F]]) -> F:
    if not raw:
        raise errors.FrameInvalid("an empty message is not a frame")
    decode = kinds.get(raw[0])
    if decode is None:
        raise errors.FrameInvalid(f"frame type 0x{raw[0]:02x} is not known here")
    try:
        return decode(raw)
    except (struct.error, UnicodeDecodeError, msgspec.DecodeError, RecursionError) as error:
        raise errors.FrameInvalid(f"frame type 0x{raw[0]:02x}: {error}") from error


def _hello(raw: bytes) -> frames.Hello:
    _, version, length = _HELLO.unpack_from(raw)
    token = _rest(raw, _HELLO.size, length)
    return frames.Hello(version=version, token=token.decode("ascii"))


def _encode_input(frame: frames.Input) -> bytes:
    size = len(frame.inputs[0]) if frame.inputs else 0
    if any(len(raw) != size for raw in frame.inputs):
        raise ValueError("the inputs of one frame are of one length")
    head = _INPUT.pack(INPUT, frame.snapshot_tick, frame.first_seq, len(frame.inputs), size)
    raw = head + b"".join(frame.inputs)
    _input(raw)
    return raw


def _input(raw: bytes) -> frames.Input:
    _, snapshot_tick, first_seq, count, size = _INPUT.unpack_from(raw)
    if not 1 <= count <= frames.MAX_INPUTS or not 1 <= size <= frames.MAX_INPUT_BYTES:
        raise errors.FrameInvalid(
            f"INPUT carries 1 to {frames.MAX_INPUTS} inputs of 1 to {frames.MAX_INPUT_BYTES} bytes"
        )
    if not 1 <= first_seq <= frames.MAX_SEQ - count:
        raise errors.FrameInvalid("inputs are numbered from 1")
    body = _rest(raw, _INPUT.size, count * size)
    inputs = tuple(body[i : i + size] for i in range(0, len(body), size))
    return frames.Input(snapshot_tick=snapshot_tick, first_seq=first_seq, inputs=inputs)


def _ping(raw: bytes) -> frames.Ping:
    _rest(raw, _PING.size, 0)
    return frames.Ping(nonce=_PING.unpack(raw)[1])


def _leave(raw: bytes) -> frames.Leave:
    _rest(raw, 1, 0)
    return frames.Leave()


def _encode_server(frame: frames.ServerFrame) -> bytes:
    match frame:
        case frames.Full():
            return encode_full(frame.tick, frame.ack_seq, frame.view)
        case frames.Welcome():
            return _encode_welcome(frame)
        case frames.Event():
            data = _limited(msgspec.json.encode(frame.data), frames.MAX_EVENT_BYTES, "an event")
            return _EVENT.pack(EVENT, frame.seq) + data
        case frames.Presence():
            return _encode_presence(frame)
        case frames.Pong():
            return _PONG.pack(PONG, frame.nonce, frame.tick)
        case frames.Drain():
            return _DRAIN.pack(DRAIN, frame.seconds)
        case frames.End():
            return _END.pack(END, frame.is_provisional) + frame.result
        case frames.Error():
            return _ERROR.pack(ERROR, frame.code) + _cut(frame.text, frames.MAX_ERROR_BYTES)


def _encode_welcome(frame: frames.Welcome) -> bytes:
    game = _limited(frame.game.encode(), frames.MAX_NAME_BYTES, "the name of a game")
    config = msgspec.json.encode(frame.config)
    head = _WELCOME.pack(
        WELCOME,
        frame.version,
        frame.seat,
        frame.tick,
        frame.tick_hz,
        frame.snapshot_hz,
        len(game),
        len(config),
    )
    return head + game + config


def _welcome(raw: bytes) -> frames.Welcome:
    _, version, seat, tick, tick_hz, snapshot_hz, game, config = _WELCOME.unpack_from(raw)
    body = _rest(raw, _WELCOME.size, game + config)
    if not 1 <= snapshot_hz <= tick_hz:
        raise errors.FrameInvalid("WELCOME has rates that cannot be")
    return frames.Welcome(
        version=version,
        seat=seat,
        tick=tick,
        tick_hz=tick_hz,
        snapshot_hz=snapshot_hz,
        game=body[:game].decode(),
        config=msgspec.json.decode(body[game:], type=dict[str, int | str]),
    )


def _full(raw: bytes) -> frames.Full:
    _, tick, ack_seq = _FULL.unpack_from(raw)
    return frames.Full(tick=tick, ack_seq=ack_seq, view=raw[_FULL.size :])


def _event(raw: bytes) -> frames.Event:
    _, seq = _EVENT.unpack_from(raw)
    body = raw[_EVENT.size :]
    if len(body) > frames.MAX_EVENT_BYTES:
        raise errors.FrameInvalid("an event is too long")
    return frames.Event(seq=seq, data=msgspec.json.decode(body, type=dict[str, Any]))


def _encode_presence(frame: frames.Presence) -> bytes:
    parts = [_PRESENCE.pack(PRESENCE, len(frame.seats))]
    for seat in frame.seats:
        name = _cut(seat.name, frames.MAX_NAME_BYTES)
        parts.append(_SEAT.pack(seat.seat, seat.team, seat.holder, len(name)) + name)
    return b"".join(parts)


def _presence(raw: bytes) -> frames.Presence:
    _, count = _PRESENCE.unpack_from(raw)
    seats, at = [], _PRESENCE.size
    for _ in range(count):
        seat, team, holder, length = _SEAT.unpack_from(raw, at)
        at += _SEAT.size
        if holder > frames.Holder.BOT or at + length > len(raw):
            raise errors.FrameInvalid("PRESENCE has a seat that cannot be")
        name = raw[at : at + length].decode()
        seats.append(
            frames.SeatPresence(seat=seat, team=team, holder=frames.Holder(holder), name=name)
        )
        at += length
    _rest(raw, at, 0)
    return frames.Presence(seats=tuple(seats))


def _pong(raw: bytes) -> frames.Pong:
    _rest(raw, _PONG.size, 0)
    _, nonce, tick = _PONG.unpack(raw)
    return frames.Pong(nonce=nonce, tick=tick)


def _drain(raw: bytes) -> frames.Drain:
    _rest(raw, _DRAIN.size, 0)
    return frames.Drain(seconds=_DRAIN.unpack(raw)[1])


def _end(raw: bytes) -> frames.End:
    _, flags = _END.unpack_from(raw)
    if flags > 1:
        raise errors.FrameInvalid("END has flags that are not known")
    return frames.End(is_provisional=bool(flags), result=raw[_END.size :])


def _error(raw: bytes) -> frames.Error:
    _, number = _ERROR.unpack_from(raw)
    text = raw[_ERROR.size :]
    if number not in _CODES or len(text) > frames.MAX_ERROR_BYTES:
        raise errors.FrameInvalid(f"ERROR has a code that is not known or a long text: {number}")
    return frames.Error(code=CloseCode(number), text=text.decode())


def _rest(raw: bytes, start: int, length: int) -> bytes:
    """What follows the fixed part, which is exactly this long."""
    if len(raw) != start + length:
        raise errors.FrameInvalid(
            f"frame type 0x{raw[0]:02x} has {start + length} bytes here, not {len(raw)}"
        )
    return raw[start:]


def _limited(raw: bytes, limit: int, what: str) -> bytes:
    if len(raw) > limit:
        raise ValueError(f"{what} takes {len(raw)} bytes and at most {limit} are sent")
    return raw


def _cut(text: str, limit: int) -> bytes:
    """As much of a text as fits, never half of a character."""
    return text.encode(errors="replace")[:limit].decode(errors="ignore").encode()


_CLIENT: dict[int, Callable[[bytes], frames.ClientFrame]] = {
    HELLO: _hello,
    INPUT: _input,
    PING: _ping,
    LEAVE: _leave,
}
_SERVER: dict[int, Callable[[bytes], frames.ServerFrame]] = {
    WELCOME: _welcome,
    FULL: _full,
    EVENT: _event,
    PRESENCE: _presence,
    PONG: _pong,
    DRAIN: _drain,
    END: _end,
    ERROR: _error,
}
