"""Each event adds to its own hour, and most add nothing."""

import datetime

import pytest

from matchfleet_contracts import events, results
from matchfleet_contracts.ids import EventId, PlayerId
from matchfleet_workers.analytics import counting
from matchfleet_workers.analytics.counting import Addition

AT = datetime.datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=datetime.UTC)
HOUR = datetime.datetime(2026, 3, 1, 23, tzinfo=datetime.UTC)
PLAYER = PlayerId("01890a5d-ac96-774b-bcce-b302099a8057")


def an_event(data, *, at=AT):
    return events.event(data, event_id=EventId("e"), source="/test", at=at)


def ended(ended_as, **changes):
    fields = {
        "match": "m-1",
        "match_uid": "u",
        "ended_as": ended_as,
        "game": "airhockey",
        "mode": "blitz",
        "region": "eu",
        "humans": 1,
        "bots": 1,
    }
    return events.MatchEnded(**(fields | changes))


A_RESULT = results.Result(
    match_uid="u",
    outcome=results.Outcome.COMPLETED,
    standings=[],
    ticks=1200,
    tick_hz=60,
    achieved_hz=60.0,
    late_ticks=0,
)


def test_a_pairing_counts_its_match_and_its_players():
    made = events.MatchCreated(
        match="m", game="airhockey", mode="blitz", region="eu", players=[PLAYER]
    )
    assert counting.count(an_event(made)) == Addition(
        hour=HOUR, game="airhockey", mode="blitz", region="eu", created=1, players=(PLAYER,)
    )


def test_a_completed_match_counts_who_played_and_how_long():
    assert counting.count(an_event(ended(events.EndedAs.COMPLETED, result=A_RESULT))) == Addition(
        hour=HOUR,
        game="airhockey",
        mode="blitz",
        region="eu",
        completed=1,
        humans=1,
        bots=1,
        ticks=1200,
    )


@pytest.mark.parametrize("ended_as", [events.EndedAs.FAILED, events.EndedAs.CANCELLED])
def test_a_match_that_was_not_played_counts_only_itself(ended_as):
    addition = counting.count(an_event(ended(ended_as)))
    assert {ended_as.value: 1} == {
        name: getattr(addition, name)
        for name in ("completed", "failed", "cancelled", "humans", "bots", "ticks")
        if getattr(addition, name)
    }


def test_hours_are_in_utc_whatever_the_event_s_zone():
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    at = datetime.datetime(2026, 3, 2, 1, 10, tzinfo=zone)
    assert counting.count(an_event(ended(events.EndedAs.FAILED), at=at)).hour == datetime.datetime(
        2026, 3, 1, 19, tzinfo=datetime.UTC
    )


@pytest.mark.parametrize(
    "data",
    [
        events.TicketOpened(ticket="t", player="p", game="g", mode="m"),
        events.TicketCancelled(ticket="t", player="p"),
        events.MatchReady(match="m", match_uid="u", pod_uid="p", url="ws://x"),
        events.RatingChanged(player="p", match="m", game="g", mode="m", before=1, after=2),
    ],
)
def test_other_events_add_nothing(data):
    assert counting.count(an_event(data)) is None


def test_a_player_that_is_no_id_is_refused():
    made = events.MatchCreated(match="m", game="g", mode="m", region="r", players=["nobody"])
    with pytest.raises(ValueError, match="UUID"):
        counting.count(an_event(made))
