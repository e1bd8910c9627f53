"""The event catalogue: what happened, said once to everybody, as CloudEvents 1.0 in JSON.

    type              publisher          guarantee
    ticket.opened     api (outbox)       at least once
    ticket.matched    api (outbox)       at least once
    ticket.cancelled  api (outbox)       at least once
    ticket.expired    api (outbox)       at least once
    ticket.requeued   ranking (outbox)   at least once
    match.created     api (outbox)       at least once
    player.registered api (outbox)       at least once
    match.ready       operator           at least once, one id per incarnation
    match.ended       operator           at least once, one id per incarnation
    rating.changed    ranking (outbox)   at least once
    queue.depth       matchmaker         at most once, said again every few seconds

The routing key is the type. An event of `PASSING` is worth nothing once the next of its kind is
there: the broker neither keeps it nor complains that nobody listens. Of all others a consumer keeps
the ids it has acted on (its inbox) in the transaction of the effect, so twice is once.
"""

import datetime
import enum
from typing import Annotated, Any, Final, TypeVar

import msgspec

from matchfleet_contracts import errors
from matchfleet_contracts.ids import EventId
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Result

CONTENT_TYPE = "application/cloudevents+json"
MAX_EVENT_BYTES = 65_536
PASSING: Final = frozenset({"queue.depth"})


class EndedAs(enum.StrEnum):
    """The three ends of a match."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TicketOpened(msgspec.Struct, frozen=True, tag="ticket.opened"):
    """A player queued."""

    ticket: str
    player: str
    game: str
    mode: str


class TicketMatched(msgspec.Struct, frozen=True, tag="ticket.matched"):
    """A ticket's match is Ready."""

    ticket: str
    player: str
    match: str
    waited_s: float


class TicketCancelled(msgspec.Struct, frozen=True, tag="ticket.cancelled"):
    """A player left the queue."""

    ticket: str
    player: str


class TicketExpired(msgspec.Struct, frozen=True, tag="ticket.expired"):
    """A ticket ran out of time."""

    ticket: str
    player: str


class TicketRequeued(msgspec.Struct, frozen=True, tag="ticket.requeued"):
    """A proposed match did not come about; the ticket waits again, with its original time."""

    ticket: str
    player: str
    match: str


class MatchCreated(msgspec.Struct, frozen=True, tag="match.created"):
    """Players were paired; the Match is about to be asked for."""

    match: str
    game: str
    mode: str
    region: str
    players: list[str]


class PlayerRegistered(msgspec.Struct, frozen=True, tag="player.registered"):
    """An account was made; `kind` is guest or password."""

    player: str
    kind: str


class MatchReady(msgspec.Struct, frozen=True, tag="match.ready"):
    """A server acknowledged the match: players may join at `url`."""

    match: str
    match_uid: str
    pod_uid: str
    url: str


class MatchEnded(msgspec.Struct, frozen=True, tag="match.ended"):
    """A match is over. `match` is the Match's name; `result` is present when it completed."""

    match: str
    match_uid: str
    ended_as: EndedAs
    game: str
    mode: str
    region: str
    humans: int
    bots: int
    reason: Reason | None = None
    message: str = ""
    result: Result | None = None


class RatingChanged(msgspec.Struct, frozen=True, tag="rating.changed"):
    """A match moved a player's rating."""

    player: str
    match: str
    game: str
    mode: str
    before: int
    after: int


class RegionDepth(msgspec.Struct, frozen=True):
    """Players of one queue who would play in one region, and the Fleets it names there in order."""

    players: Annotated[int, msgspec.Meta(ge=0)]
    fleets: list[str]


class QueueDepth(msgspec.Struct, frozen=True, tag="queue.depth"):
    """How many players wait in a queue now, by region; each player counts once."""

    game: str
    mode: str
    regions: dict[str, RegionDepth]


EventData = (
    TicketOpened
    | TicketMatched
    | TicketCancelled
    | TicketExpired
    | TicketRequeued
    | MatchCreated
    | PlayerRegistered
    | MatchReady
    | MatchEnded
    | RatingChanged
    | QueueDepth
)
D = TypeVar("D")


class Event(msgspec.Struct, frozen=True):
    """One CloudEvent.

    Attributes:
        id: unique per source; the same happening published again has the same id.
        source: the publishing process, as a URI reference, for example `/operator`.
        time: RFC 3339, when it happened.
    """

    id: EventId
    source: str
    type: str
    time: str
    data: EventData
    subject: str = ""
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


def event(
    data: EventData,
    *,
    event_id: EventId,
    source: str,
    at: datetime.datetime,
    subject: str = "",
) -> Event:
    """The event that says `data` happened `at`."""
    kind: str = type(data).__struct_config__.tag  # type: ignore[assignment]
    time = at.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
    return Event(id=event_id, source=source, type=kind, time=time, data=data, subject=subject)


def match_ended_id(match_uid: str) -> EventId:
    """The id of every publication of this incarnation's end: a pure function of the match."""
    return EventId(f"{match_uid}/ended")


def match_ready_id(match_uid: str, pod_uid: str) -> EventId:
    """The id of every publication that this incarnation is Ready on this pod."""
    return EventId(f"{match_uid}/{pod_uid}/ready")


def encode(value: Event) -> bytes:
    """The message body of an event."""
    return msgspec.json.encode(value)


def decode(body: bytes) -> Event:
    """The event in a message body.

    Raises:
        errors.EventInvalid: not JSON, not of the catalogue, or too large.
    """
    if len(body) > MAX_EVENT_BYTES:
        raise errors.EventInvalid(f"{len(body)} bytes, at most {MAX_EVENT_BYTES} are read")
    try:
        value = msgspec.json.decode(body, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.EventInvalid(str(error)) from error
    if value.specversion != "1.0":
        raise errors.EventInvalid(f"CloudEvents {value.specversion} is not understood")
    tag: Any = type(value.data).__struct_config__.tag
    if tag != value.type:
        raise errors.EventInvalid(f"type says {value.type!r}, data says {tag!r}")
    return value
