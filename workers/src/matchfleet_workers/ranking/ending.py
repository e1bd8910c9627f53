"""What a `match.ended` means for the match it names: every rule about a match's end. Pure.

The event comes at least once, late, twice, or about a match that is not ours, and the result in it
was written by a game server. So it is held against the match's row and its seats:

    no longer live              ignored: a match ends once
    another incarnation         ignored: the row knows the UID of its own resource
    UID of no resource          (`row-<match id>`, from a sweep) counts while the row knows none
    the row knows no UID yet    waited for, because the relay notes it in the same moment; adopted
                                when the event is older than ADOPT_AFTER_S, for the note was lost.
                                Only the operator publishes, and only for resources that existed
    completed, result fits      completed; rated when ranked
    completed, does not fit     failed with ResultInvalid; nothing is rated
    failed, cancelled           just that

A human's seat that a bot held at the end is still that human's result: leaving is not a way out.
Whoever was in a match that never became Ready goes back into the queue.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from matchfleet_contracts import errors, results
from matchfleet_contracts.events import EndedAs, MatchEnded
from matchfleet_contracts.ids import MatchId, MatchUid, PlayerId
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Result
from matchfleet_workers.ranking import rating

ADOPT_AFTER_S: Final = 10.0
LIVE_STATES: Final = frozenset({"requested", "created", "ready"})
_ONLY_AFTER_READY: Final = frozenset(
    {
        Reason.JOIN_TIMEOUT,
        Reason.TIMED_OUT,
        Reason.TICK_STALLED,
        Reason.DRAINED,
        Reason.RESULT_INVALID,
    }
)


class Seat(Protocol):
    """A seat's row: a player's, or a bot's, or that of an account that is gone."""

    @property
    def seat(self) -> int:
        """Its number."""

    @property
    def team(self) -> int:
        """Its team."""

    @property
    def player_id(self) -> PlayerId | None:
        """Who sits there."""


class Match(Protocol):
    """A match's row with its seats."""

    @property
    def id(self) -> MatchId:
        """Its id."""

    @property
    def state(self) -> str:
        """requested, created, ready, completed, failed or cancelled."""

    @property
    def ranked(self) -> bool:
        """Whether it moves ratings."""

    @property
    def uid(self) -> MatchUid | None:
        """UID of its resource, once that is known."""

    @property
    def seats(self) -> Sequence[Seat]:
        """Its roster."""


class Ignored(enum.StrEnum):
    """Why an event changes nothing."""

    FOREIGN = "foreign"
    """No row stands behind this Match: somebody applied it by hand."""
    REPEATED = "repeated"
    """The match is over already, or this event was acted on."""
    OTHER_INCARNATION = "other_incarnation"
    """It is about another resource of the same name."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """The event changes nothing."""

    why: Ignored


@dataclass(frozen=True, slots=True)
class Wait:
    """Too early to decide: ask again."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The match ends.

    Attributes:
        uid: the resource that the row shall know, when it did not yet.
        was_ready: whether players could join: then their tickets are used up, else they wait again.
        placements: who is to be rated; () when nothing moves.
        result: what was played, when it counts.
    """

    state: EndedAs
    uid: MatchUid | None
    reason: Reason | None
    message: str
    was_ready: bool
    result: Result | None = None
    placements: tuple[rating.Placement, ...] = ()


Decision = Ignore | Wait | End


def decide(match: Match, ended: MatchEnded, *, age_s: float) -> Decision:
    """What `ended`, published `age_s` seconds ago, means for the match it names."""
    if match.state not in LIVE_STATES:
        return Ignore(Ignored.REPEATED)
    had_resource = ended.match_uid != uid_without_resource(match.id)
    if match.uid is None and had_resource and age_s < ADOPT_AFTER_S:
        return Wait("its row does not know its resource yet")
    if match.uid is not None and ended.match_uid != match.uid:
        return Ignore(Ignored.OTHER_INCARNATION)
    uid = MatchUid(ended.match_uid) if had_resource else None
    if ended.ended_as is not EndedAs.COMPLETED:
        return End(
            state=ended.ended_as,
            uid=uid,
            reason=ended.reason,
            message=ended.message,
            was_ready=match.state == "ready" or ended.reason in _ONLY_AFTER_READY,
        )
    try:
        result = _fitting(match, ended)
    except errors.ResultInvalid as error:
        return End(
            state=EndedAs.FAILED,
            uid=uid,
            reason=Reason.RESULT_INVALID,
            message=str(error),
            was_ready=True,
        )
    return End(
        state=EndedAs.COMPLETED,
        uid=uid,
        reason=None,
        message=ended.message,
        was_ready=True,
        result=result,
        placements=_placements(match, result) if match.ranked else (),
    )


def uid_without_resource(match: MatchId) -> MatchUid:
    """The UID under which a sweep ends a match that never had a resource."""
    return MatchUid(f"row-{match}")


def _fitting(match: Match, ended: MatchEnded) -> Result:
    """The event's result, which answers this match and all of its seats.

    Raises:
        errors.ResultInvalid: it does not, and why.
    """
    result = ended.result
    if result is None:
        raise errors.ResultInvalid("it completed and there is no result")
    if result.match_uid != ended.match_uid:
        raise errors.ResultInvalid(f"the result answers another match, {result.match_uid}")
    if result.outcome is not results.Outcome.COMPLETED:
        raise errors.ResultInvalid(f"it completed and the result is {result.outcome}")
    results.check(result)
    stood = sorted(standing.seat for standing in result.standings)
    seats = sorted(seat.seat for seat in match.seats)
    if stood != seats:
        raise errors.ResultInvalid(f"seats {stood} stand in the result, {seats} were taken")
    return result


def _placements(match: Match, result: Result) -> tuple[rating.Placement, ...]:
    ranks = {standing.seat: standing.rank for standing in result.standings}
    placements = tuple(
        rating.Placement(player=seat.player_id, team=seat.team, rank=ranks[seat.seat])
        for seat in match.seats
        if seat.player_id is not None
    )
    return placements if rating.is_comparable(placements) else ()
