"""The Result of a match: what a game server writes once, and everybody else only reads.

It travels as the container's termination message, of which the kubelet keeps 4096 bytes, so it is
refused above 3.5 KiB. The digest comes last: a message cut short, or written twice, does not parse.
"""

import enum
import hashlib

import msgspec

from matchfleet_contracts import errors
from matchfleet_contracts.resources import Reason

MAX_RESULT_BYTES = 3584
MAX_TICKS = 2**31 - 1
"""More than a year at 60 Hz; what is kept of it fits into 32 bits."""


class Outcome(enum.StrEnum):
    """Whether the game was played to an end that may be rated."""

    COMPLETED = "completed"
    VOID = "void"


class Standing(msgspec.Struct, frozen=True):
    """One seat's place. Equal ranks are a draw; the best rank is 1."""

    seat: int
    rank: int
    score: int
    team: int = 0
    bot: bool = False
    """Whether a bot held the seat at the end."""


class Result(msgspec.Struct, frozen=True):
    """How one match ended, as its server saw it.

    Attributes:
        match_uid: UID of the Match resource this result answers.
        ticks: simulated ticks; `ticks / tick_hz` is the game's own length in seconds.
        achieved_hz: ticks per second of real time while playing.
        late_ticks: ticks that began more than one tick late.
    """

    match_uid: str
    outcome: Outcome
    standings: list[Standing]
    ticks: int
    tick_hz: int
    achieved_hz: float
    late_ticks: int
    reason: Reason | None = None
    message: str = ""


def encode(result: Result) -> bytes:
    """The termination message for `result`.

    Raises:
        errors.ResultTooLarge: above MAX_RESULT_BYTES.
    """
    body = msgspec.json.encode(result)
    message = b'{"result":' + body + b',"sha256":"' + _digest(body) + b'"}'
    if len(message) > MAX_RESULT_BYTES:
        raise errors.ResultTooLarge(size=len(message), limit=MAX_RESULT_BYTES)
    return message


def decode(message: bytes) -> Result:
    """The Result in a termination message.

    Raises:
        errors.ResultInvalid: cut short, altered, out of bounds or not a result at all.
    """
    if len(message) > MAX_RESULT_BYTES:
        raise errors.ResultInvalid(f"{len(message)} bytes, at most {MAX_RESULT_BYTES} are read")
    try:
        envelope = msgspec.json.decode(message, type=_Envelope)
        result = msgspec.json.decode(envelope.result, type=Result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.ResultInvalid(str(error)) from error
    if envelope.sha256.encode() != _digest(bytes(envelope.result)):
        raise errors.ResultInvalid("the digest does not match: the message was cut or altered")
    check(result)
    return result


def check(result: Result) -> None:
    """Holds a result against the bounds that every game keeps.

    Raises:
        errors.ResultInvalid: the first that it breaks.
    """
    seats = [s.seat for s in result.standings]
    if len(set(seats)) != len(seats):
        raise errors.ResultInvalid("a seat stands twice in the standings")
    if result.outcome is Outcome.COMPLETED and not result.standings:
        raise errors.ResultInvalid("a completed match has standings")
    if any(s.rank < 1 or s.rank > len(seats) for s in result.standings):
        raise errors.ResultInvalid(f"ranks lie between 1 and {len(seats)}")
    if not 0 <= result.late_ticks <= result.ticks <= MAX_TICKS:
        raise errors.ResultInvalid(f"ticks lie between 0 and {MAX_TICKS}, late ticks among them")


class _Envelope(msgspec.Struct, frozen=True):
    result: msgspec.Raw
    sha256: str


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
