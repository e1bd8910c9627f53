"""One connection to one game server: HELLO, a seat, snapshots in, numbered inputs out, END.

The protocol itself is `matchfleet_contracts.wire`; here it meets a socket and a policy. Each
snapshot is answered by one input, which the server holds until the next: a player who sees 30
snapshots a second decides 30 times a second, as the product's own bots do.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from matchfleet_client import errors, models, policies, sockets
from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts import results, wire

MAY_COME_BACK = frozenset(
    {wire.CloseCode.SLOW, wire.CloseCode.RATE_LIMITED, wire.CloseCode.TOKEN_REFUSED}
)
"""Codes after which a new connection with a new token is worth a try."""
MATCH_OVER = frozenset({wire.CloseCode.ENDED, wire.CloseCode.DRAINED, wire.CloseCode.INTERNAL})
"""Codes that say that this match will not be played on; the API knows how it ended."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a player saw: the view at `tick`, from `seat`."""

    seat: int
    tick: int
    view: bytes


@dataclass(frozen=True, slots=True)
class Over:
    """The server said that the match is over.

    Attributes:
        result: None when the connection was closed without one.
        is_provisional: the result counts once the API shows it, and not before.
    """

    result: results.Result | None
    is_provisional: bool = True


async def play(
    join: models.Join,
    policy: policies.Policy,
    *,
    dial: sockets.Dial = sockets.dial,
    seen: Callable[[Seen], None] = lambda _: None,
) -> Over:
    """Take the seat and play it until the match is over.

    Raises:
        errors.Unreachable: nothing answers at the address.
        errors.GameRefused: the server closes for a reason that trying again would not change.
        sockets.Closed: the connection broke; the seat may be taken again with a new token.
    """
    socket = await dial(join.url, wire.SUBPROTOCOL)
    try:
        connection = wire.ClientConnection()
        await socket.send(connection.hello(join.token))
        while True:
            match _received(connection, await socket.receive()):
                case wire.Full(tick=tick, view=view):
                    seen(Seen(join.seat, tick, view))
                    # A server that closed still has its last words, END among them, on the way:
                    # they are read before its code is.
                    with contextlib.suppress(sockets.Closed):
                        await socket.send(connection.inputs(policy.act(view, join.seat)))
                case wire.End(is_provisional=is_provisional, result=result):
                    return Over(_result(result), is_provisional)
                case wire.Error(code=code, text=text):
                    return _refused(code, text)
    except sockets.Closed as closed:
        if closed.code in MATCH_OVER:
            return Over(None)
        raise
    finally:
        await socket.close()


def _received(connection: wire.ClientConnection, message: str | bytes) -> wire.ServerFrame:
    try:
        return connection.receive(message)
    except contract_errors.FrameInvalid as error:
        raise errors.ReplyInvalid("a frame of the game server", str(error)) from error


def _refused(code: wire.CloseCode, text: str) -> Over:
    if code in MATCH_OVER:
        return Over(None)
    if code in MAY_COME_BACK:
        raise sockets.Closed(code, text)
    raise errors.GameRefused(code.name.lower(), text)


def _result(raw: bytes) -> results.Result:
    try:
        return msgspec.json.decode(raw, type=results.Result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.ReplyInvalid("the result of the game server", str(error)) from error
