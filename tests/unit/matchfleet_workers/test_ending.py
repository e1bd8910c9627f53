"""A match ends once, by its own resource's word, and only a fitting result counts."""

from dataclasses import dataclass

import msgspec
import pytest

from matchfleet_contracts import ids, results
from matchfleet_contracts.events import EndedAs, MatchEnded
from matchfleet_contracts.ids import MatchId, MatchUid, PlayerId
from matchfleet_contracts.resources import Reason
from matchfleet_workers.ranking import ending
from matchfleet_workers.ranking.ending import End, Ignore, Ignored, Wait
from matchfleet_workers.ranking.rating import Placement

ID = MatchId("01890a5d-ac96-774b-bcce-b302099a8057")
UID = MatchUid("5f0c8a52-uid")
ANN, BEN = PlayerId("ann"), PlayerId("ben")


@dataclass(frozen=True)
class ASeat:
    seat: int
    team: int
    player_id: PlayerId | None


@dataclass(frozen=True)
class AMatch:
    id: MatchId = ID
    state: str = "ready"
    ranked: bool = True
    uid: MatchUid | None = UID
    seats: tuple[ASeat, ...] = (ASeat(0, 0, ANN), ASeat(1, 1, BEN))


def a_result(**changes):
    standings = [
        results.Standing(seat=0, rank=1, score=3),
        results.Standing(seat=1, rank=2, score=1),
    ]
    result = results.Result(
        match_uid=UID,
        outcome=results.Outcome.COMPLETED,
        standings=standings,
        ticks=1200,
        tick_hz=60,
        achieved_hz=60.0,
        late_ticks=0,
    )
    return msgspec.structs.replace(result, **changes)


def an_end(**changes):
    ended = MatchEnded(
        match=ids.match_name(ID),
        match_uid=UID,
        ended_as=EndedAs.COMPLETED,
        game="g",
        mode="m",
        region="eu",
        humans=2,
        bots=0,
        result=a_result(),
    )
    return msgspec.structs.replace(ended, **changes)


def decide(match=None, ended=None, *, age_s=1.0):
    return ending.decide(match or AMatch(), ended or an_end(), age_s=age_s)


def test_a_fitting_result_completes_and_is_rated():
    assert decide() == End(
        state=EndedAs.COMPLETED,
        uid=UID,
        reason=None,
        message="",
        was_ready=True,
        result=a_result(),
        placements=(Placement(ANN, team=0, rank=1), Placement(BEN, team=1, rank=2)),
    )


def test_an_unranked_match_completes_and_moves_nothing():
    end = decide(AMatch(ranked=False))
    assert end.state is EndedAs.COMPLETED
    assert end.placements == ()


def test_a_human_whose_seat_a_bot_held_at_the_end_is_placed_all_the_same():
    standings = [
        results.Standing(seat=0, rank=2, score=0, bot=True),
        results.Standing(seat=1, rank=1, score=5),
    ]
    end = decide(ended=an_end(result=a_result(standings=standings)))
    assert Placement(ANN, team=0, rank=2) in end.placements


def test_a_player_alone_among_bots_is_not_rated():
    match = AMatch(seats=(ASeat(0, 0, ANN), ASeat(1, 1, None)))
    end = decide(match)
    assert end.state is EndedAs.COMPLETED
    assert end.placements == ()


def test_a_bot_s_seat_is_not_placed():
    match = AMatch(seats=(ASeat(0, 0, ANN), ASeat(1, 0, None), ASeat(2, 1, BEN)))
    standings = [results.Standing(seat=seat, rank=seat + 1, score=0) for seat in range(3)]
    end = decide(match, an_end(result=a_result(standings=standings)))
    assert end.placements == (Placement(ANN, team=0, rank=1), Placement(BEN, team=1, rank=3))


def test_teams_come_from_the_roster_not_from_the_result():
    standings = [
        results.Standing(seat=0, rank=1, score=3, team=9),
        results.Standing(seat=1, rank=2, score=1, team=9),
    ]
    end = decide(ended=an_end(result=a_result(standings=standings)))
    assert [placed.team for placed in end.placements] == [0, 1]


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_a_match_that_is_over_does_not_end_again(state):
    assert decide(AMatch(state=state)) == Ignore(Ignored.REPEATED)


@pytest.mark.parametrize("state", ["requested", "created", "ready"])
def test_a_live_match_ends_from_every_state(state):
    assert isinstance(decide(AMatch(state=state)), End)


def test_another_resource_of_the_same_name_ends_nothing():
    foreign = an_end(match_uid="other", result=a_result(match_uid="other"))
    assert decide(ended=foreign) == Ignore(Ignored.OTHER_INCARNATION)


@pytest.mark.parametrize(("age_s", "kind"), [(0.0, Wait), (9.9, Wait), (10.0, End)])
def test_a_row_without_a_resource_waits_for_it_ten_seconds_and_then_adopts_it(age_s, kind):
    decision = decide(AMatch(uid=None, state="requested"), age_s=age_s)
    assert isinstance(decision, kind)
    if isinstance(decision, End):
        assert decision.uid == UID


def test_a_match_that_never_had_a_resource_ends_at_once_and_waits_again():
    ended = an_end(
        match_uid=f"row-{ID}",
        ended_as=EndedAs.FAILED,
        reason=Reason.ASSIGN_TIMEOUT,
        result=None,
    )
    end = decide(AMatch(uid=None, state="requested"), ended, age_s=0.0)
    assert end.state is EndedAs.FAILED
    assert end.uid is None
    assert not end.was_ready


def test_a_row_that_knows_its_resource_does_not_believe_that_there_was_none():
    ended = an_end(match_uid=f"row-{ID}", ended_as=EndedAs.FAILED, result=None)
    assert decide(ended=ended) == Ignore(Ignored.OTHER_INCARNATION)


MISFITS = {
    "no result": (None, "no result"),
    "of another match": (a_result(match_uid="x"), "another match"),
    "void": (a_result(outcome=results.Outcome.VOID), "void"),
    "nobody stands": (a_result(standings=[]), "standings"),
    "a seat is missing": (a_result(standings=[results.Standing(0, 1, 0)]), "seats"),
    "a seat is unknown": (
        a_result(standings=[results.Standing(0, 1, 0), results.Standing(7, 2, 0)]),
        "seats",
    ),
    "a seat stands twice": (
        a_result(standings=[results.Standing(0, 1, 0), results.Standing(0, 2, 0)]),
        "twice",
    ),
    "a rank of 0": (
        a_result(standings=[results.Standing(0, 0, 0), results.Standing(1, 2, 0)]),
        "ranks",
    ),
    "a rank too large": (
        a_result(standings=[results.Standing(0, 1, 0), results.Standing(1, 3, 0)]),
        "ranks",
    ),
    "negative ticks": (a_result(ticks=-1, late_ticks=-1), "ticks"),
    "more ticks than there are": (a_result(ticks=2**40), "ticks"),
    "more late ticks than ticks": (a_result(late_ticks=5000), "ticks"),
}


@pytest.mark.parametrize(("result", "says"), MISFITS.values(), ids=MISFITS.keys())
def test_a_result_that_does_not_fit_fails_the_match_and_rates_nobody(result, says):
    end = decide(ended=an_end(result=result))
    assert end.state is EndedAs.FAILED
    assert end.reason is Reason.RESULT_INVALID
    assert says in end.message
    assert end.placements == ()
    assert end.result is None
    assert end.was_ready


@pytest.mark.parametrize(
    ("state", "ended_as", "reason", "was_ready"),
    [
        ("created", EndedAs.FAILED, Reason.NO_CAPACITY, False),
        ("created", EndedAs.FAILED, Reason.ASSIGN_TIMEOUT, False),
        ("requested", EndedAs.FAILED, Reason.TOO_LATE, False),
        ("created", EndedAs.FAILED, Reason.SERVER_LOST, False),
        ("created", EndedAs.CANCELLED, Reason.CANCELLED, False),
        ("created", EndedAs.FAILED, None, False),
        ("ready", EndedAs.FAILED, Reason.SERVER_LOST, True),
        ("ready", EndedAs.CANCELLED, Reason.CANCELLED, True),
        ("created", EndedAs.FAILED, Reason.JOIN_TIMEOUT, True),
        ("created", EndedAs.FAILED, Reason.DRAINED, True),
    ],
)
def test_only_who_could_join_has_used_up_the_ticket(state, ended_as, reason, was_ready):
    end = decide(AMatch(state=state), an_end(ended_as=ended_as, reason=reason, result=None))
    assert end.state is ended_as
    assert end.reason is reason
    assert end.was_ready is was_ready
    assert end.placements == ()
