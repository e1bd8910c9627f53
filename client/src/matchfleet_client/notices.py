"""What the channel tells a player, as values; messages of a newer API are passed over.

ticket.queued | proposed | matched | cancelled | expired | requeued     {ticket?, match?}
match.ready      {match, url}
match.ended      {match, ended_as, reason, message}
rating.changed   {match, game, mode, before, after}
"""

from typing import Any

import msgspec

from matchfleet_client import errors
from matchfleet_contracts.ids import MatchId, PlayerId, TicketId


class Opened(msgspec.Struct, frozen=True):
    """The channel is open, for the first time or again.

    What happened while it was closed is not told again: read the state over REST now.
    """

    player: PlayerId


class TicketMoved(msgspec.Struct, frozen=True):
    """A ticket's state changed; `match` is set once there is one.

    Attributes:
        ticket: None when only the match is told of (proposed); a player has one open ticket.
    """

    state: str
    ticket: TicketId | None = None
    match: MatchId | None = None


class MatchReady(msgspec.Struct, frozen=True):
    """A server waits for the players at `url`."""

    match: MatchId
    url: str


class MatchEnded(msgspec.Struct, frozen=True):
    """A match is over, and recorded; `ended_as` is completed, failed or cancelled."""

    match: MatchId
    ended_as: str
    reason: str | None = None
    message: str = ""


class RatingChanged(msgspec.Struct, frozen=True):
    """A match moved the player's rating."""

    match: MatchId
    game: str
    mode: str
    before: int
    after: int


Notice = Opened | TicketMoved | MatchReady | MatchEnded | RatingChanged

_TICKET = "ticket."
_BY_TYPE: dict[str, type[MatchReady] | type[MatchEnded] | type[RatingChanged]] = {
    "match.ready": MatchReady,
    "match.ended": MatchEnded,
    "rating.changed": RatingChanged,
}


class _Message(msgspec.Struct, frozen=True):
    type: str
    player: Any = None
    seq: int = 0
    data: dict[str, Any] = {}


def decode(text: str | bytes) -> Notice | None:
    """The notice in a message; None for what is not one (a pong, a newer kind).

    Raises:
        errors.ReplyInvalid: not a message of the channel at all.
    """
    try:
        message = msgspec.json.decode(text, type=_Message)
        return _notice(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.ReplyInvalid("a message of the channel", str(error)) from error


def _notice(message: _Message) -> Notice | None:
    if message.type == "hello":
        # The player comes as an id, or as a player with an id.
        known = message.player
        return Opened(PlayerId(known["id"] if isinstance(known, dict) else str(known)))
    if message.type.startswith(_TICKET):
        state = message.type.removeprefix(_TICKET)
        return msgspec.convert(message.data | {"state": state}, TicketMoved)
    kind = _BY_TYPE.get(message.type)
    return msgspec.convert(message.data, kind) if kind else None
