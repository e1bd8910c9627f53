"""Who may say what when: one object for each end of a connection.

    server:  awaiting HELLO --admit--> open --end, refuse, LEAVE, violation--> closed
    client:  awaiting WELCOME --------> open --END, ERROR--------------------> closed

`receive` takes one message and returns what it means; the other methods return the bytes to send.
The caller owns the socket and closes it with the code that it is given.
"""

import enum
from dataclasses import dataclass

from matchfleet_contracts import errors
from matchfleet_contracts.wire import codec, frames
from matchfleet_contracts.wire.codes import CloseCode


class _State(enum.Enum):
    AWAITING = enum.auto()
    OPEN = enum.auto()
    CLOSED = enum.auto()


@dataclass(frozen=True, slots=True)
class Violation:
    """The client broke the protocol: send `error` and close with `code`."""

    code: CloseCode
    text: str
    error: bytes


class ServerConnection:
    """The server's half. `last_seq` is the number of the last input received, 0 for none."""

    __slots__ = ("_state", "last_seq", "snapshot_tick")

    def __init__(self) -> None:
        self._state = _State.AWAITING
        self.last_seq = 0
        self.snapshot_tick = 0

    @property
    def is_open(self) -> bool:
        """Whether the player was admitted and the connection not ended since."""
        return self._state is _State.OPEN

    def receive(self, message: bytes | str) -> frames.ClientFrame | Violation | None:
        """What a message means; None when it says nothing new. Never raises.

        Inputs that were received before are taken out; what is left is numbered without a gap.
        """
        if self._state is _State.CLOSED:
            return None
        if isinstance(message, str):
            return self._violation(CloseCode.PROTOCOL, "frames are binary messages")
        try:
            frame = codec.decode_client(message)
        except errors.FrameInvalid as error:
            return self._violation(CloseCode.PROTOCOL, str(error))
        if isinstance(frame, frames.Hello) != (self._state is _State.AWAITING):
            return self._violation(CloseCode.PROTOCOL, "HELLO comes first, and once")
        match frame:
            case frames.Hello() if frame.version != frames.VERSION:
                text = f"version {frames.VERSION} is spoken here, not {frame.version}"
                return self._violation(CloseCode.VERSION_UNKNOWN, text)
            case frames.Input():
                return self._new_inputs(frame)
            case frames.Leave():
                self._state = _State.CLOSED
        return frame

    def admit(self, welcome: frames.Welcome) -> bytes:
        """WELCOME: the player has the seat."""
        if self._state is not _State.AWAITING:
            raise AssertionError("a player is admitted once, after HELLO")
        self._state = _State.OPEN
        return codec.encode_server(welcome)

    def refuse(self, code: CloseCode, text: str) -> bytes:
        """ERROR; the connection is over."""
        self._state = _State.CLOSED
        return codec.encode_server(frames.Error(code=code, text=text))

    def end(self, frame: frames.End) -> bytes:
        """END; the connection is over."""
        self._state = _State.CLOSED
        return codec.encode_server(frame)

    def _violation(self, code: CloseCode, text: str) -> Violation:
        return Violation(code=code, text=text, error=self.refuse(code, text))

    def _new_inputs(self, frame: frames.Input) -> frames.ClientFrame | Violation | None:
        if frame.first_seq > self.last_seq + 1:
            text = f"inputs are numbered without a gap: {frame.first_seq} after {self.last_seq}"
            return self._violation(CloseCode.PROTOCOL, text)
        self.snapshot_tick = max(self.snapshot_tick, frame.snapshot_tick)
        known = self.last_seq + 1 - frame.first_seq
        if known >= len(frame.inputs):
            return None
        self.last_seq = frame.first_seq + len(frame.inputs) - 1
        if not known:
            return frame
        return frames.Input(
            snapshot_tick=frame.snapshot_tick,
            first_seq=frame.first_seq + known,
            inputs=frame.inputs[known:],
        )


class ClientConnection:
    """A client's half.

    Attributes:
        welcome: the WELCOME, once it came.
        tick: of the last FULL; 0 before.
        ack_seq: the last of our inputs that the server played; 0 before.
        sent_seq: the number of our last input; 0 before.
    """

    __slots__ = ("_state", "ack_seq", "sent_seq", "tick", "welcome")

    def __init__(self) -> None:
        self._state = _State.AWAITING
        self.welcome: frames.Welcome | None = None
        self.tick = 0
        self.ack_seq = 0
        self.sent_seq = 0

    @property
    def is_open(self) -> bool:
        """Whether WELCOME came, and neither END nor ERROR."""
        return self._state is _State.OPEN

    def hello(self, token: str) -> bytes:
        """HELLO with a join token: the first message to send."""
        return codec.encode_client(frames.Hello(version=frames.VERSION, token=token))

    def inputs(self, *raw: bytes) -> bytes:
        """INPUT with the game's own bytes for the ticks to come, one each."""
        frame = frames.Input(snapshot_tick=self.tick, first_seq=self.sent_seq + 1, inputs=raw)
        message = codec.encode_client(frame)
        self.sent_seq += len(raw)
        return message

    def ping(self, nonce: int) -> bytes:
        """PING; PONG brings the nonce back."""
        return codec.encode_client(frames.Ping(nonce=nonce))

    def leave(self) -> bytes:
        """LEAVE; the server closes with CloseCode.LEFT."""
        return codec.encode_client(frames.Leave())

    def receive(self, message: bytes | str) -> frames.ServerFrame:
        """The frame in a message.

        Raises:
            errors.FrameInvalid: not a frame, or not one that may come now.
        """
        if isinstance(message, str):
            raise errors.FrameInvalid("frames are binary messages")
        frame = codec.decode_server(message)
        if self._state is _State.CLOSED:
            raise errors.FrameInvalid("nothing comes after END or ERROR")
        if isinstance(frame, frames.End | frames.Error):
            self._state = _State.CLOSED
            return frame
        if isinstance(frame, frames.Welcome) != (self._state is _State.AWAITING):
            raise errors.FrameInvalid("WELCOME comes first, and once")
        match frame:
            case frames.Welcome():
                self._welcomed(frame)
            case frames.Full():
                self._saw(frame)
        return frame

    def _welcomed(self, frame: frames.Welcome) -> None:
        if frame.version != frames.VERSION:
            raise errors.FrameInvalid(f"version {frame.version} is not spoken here")
        self._state = _State.OPEN
        self.welcome = frame

    def _saw(self, frame: frames.Full) -> None:
        if frame.tick < self.tick or not self.ack_seq <= frame.ack_seq <= self.sent_seq:
            raise errors.FrameInvalid("FULL goes back in time, or acknowledges what was not sent")
        self.tick, self.ack_seq = frame.tick, frame.ack_seq
