"""What goes over the channel, subprotocol `matchfleet.channel.v1`, as JSON texts.

The client sends `{"type": "login", "token": ...}` first, and may send `{"type": "ping"}`. We answer
`hello` and `pong`, and push `{"type", "seq", "data"}`; `seq` counts from 1 on each connection, so
that a client sees a gap, should there ever be one.
"""

import enum
from typing import Any, Final

import msgspec

from matchfleet_contracts import events, ids
from matchfleet_contracts.ids import MatchName

SUBPROTOCOL: Final = "matchfleet.channel.v1"


class Close(enum.IntEnum):
    """Close codes of ours, beside the protocol's own."""

    GOING_AWAY = 1001
    BAD_MESSAGE = 4400
    BAD_LOGIN = 4401
    BAD_ORIGIN = 4403
    LOGIN_TIMEOUT = 4408
    SLOW = 4429


class Login(msgspec.Struct, frozen=True, tag="login"):
    """The first thing a client says."""

    token: str


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Asks for a pong."""


FromClient = Login | Ping


class Message(msgspec.Struct, frozen=True):
    """One push, without its place in a connection's sequence."""

    type: str
    data: dict[str, Any]

    def text(self, seq: int) -> str:
        """The JSON text of the push as number `seq`."""
        pushed = {"type": self.type, "seq": seq, "data": self.data}
        return msgspec.json.encode(pushed).decode()


def decode(text: str) -> FromClient:
    """What a client said.

    Raises:
        msgspec.DecodeError: nothing that we know.
    """
    said: FromClient = msgspec.json.decode(text, type=FromClient)
    return said


def hello(player: str) -> str:
    """The answer to a good login."""
    return msgspec.json.encode({"type": "hello", "player": player}).decode()


PONG: Final = '{"type":"pong"}'


def of_event(data: events.EventData) -> Message | None:
    """What players are told of an event; None when it is not for them."""
    match data:
        case events.TicketOpened():
            return Message("ticket.queued", {"ticket": data.ticket})
        case events.MatchCreated():
            return Message("ticket.proposed", {"match": data.match, "region": data.region})
        case events.TicketMatched():
            return Message("ticket.matched", {"ticket": data.ticket, "match": data.match})
        case events.TicketCancelled():
            return Message("ticket.cancelled", {"ticket": data.ticket})
        case events.TicketExpired():
            return Message("ticket.expired", {"ticket": data.ticket})
        case events.TicketRequeued():
            return Message("ticket.requeued", {"ticket": data.ticket, "match": data.match})
        case events.MatchReady():
            return Message("match.ready", {"match": shown_match(data.match), "url": data.url})
        case events.MatchEnded():
            return Message("match.ended", _ended(data))
        case events.RatingChanged():
            return Message("rating.changed", _rated(data))
        case _:
            return None


def _ended(data: events.MatchEnded) -> dict[str, Any]:
    return {
        "match": shown_match(data.match),
        "ended_as": data.ended_as.value,
        "reason": None if data.reason is None else data.reason.value,
        "message": data.message,
    }


def _rated(data: events.RatingChanged) -> dict[str, Any]:
    return {
        "match": shown_match(data.match),
        "game": data.game,
        "mode": data.mode,
        "before": data.before,
        "after": data.after,
    }


def shown_match(name: str) -> str:
    """Players know matches by id; events of the operator carry the resource's name."""
    return ids.match_id(MatchName(name)) or name
