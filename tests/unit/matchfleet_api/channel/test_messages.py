import msgspec
import pytest
from tickets import MATCH

from matchfleet_api.channel import fanout, messages
from matchfleet_contracts import events, ids, resources

NAME = ids.match_name(MATCH)
READY = events.MatchReady(match=NAME, match_uid="u", pod_uid="p", url="ws://a:1")
ENDED = events.MatchEnded(
    match=NAME,
    match_uid="u",
    ended_as=events.EndedAs.FAILED,
    game="airhockey",
    mode="blitz",
    region="eu",
    humans=2,
    bots=0,
    reason=resources.Reason.SERVER_LOST,
    message="why",
)
RATED = events.RatingChanged(
    player="p1", match=MATCH, game="airhockey", mode="blitz", before=1500, after=1516
)


@pytest.mark.parametrize(
    ("data", "kind", "shown"),
    [
        (events.TicketOpened("t", "p", "g", "m"), "ticket.queued", {"ticket": "t"}),
        (
            events.MatchCreated(MATCH, "g", "m", "eu", ["p"]),
            "ticket.proposed",
            {"match": MATCH, "region": "eu"},
        ),
        (
            events.TicketMatched("t", "p", MATCH, 1.0),
            "ticket.matched",
            {"ticket": "t", "match": MATCH},
        ),
        (events.TicketCancelled("t", "p"), "ticket.cancelled", {"ticket": "t"}),
        (events.TicketExpired("t", "p"), "ticket.expired", {"ticket": "t"}),
        (
            events.TicketRequeued("t", "p", MATCH),
            "ticket.requeued",
            {"ticket": "t", "match": MATCH},
        ),
        (READY, "match.ready", {"match": MATCH, "url": "ws://a:1"}),
        (
            ENDED,
            "match.ended",
            {"match": MATCH, "ended_as": "failed", "reason": "ServerLost", "message": "why"},
        ),
        (
            RATED,
            "rating.changed",
            {"match": MATCH, "game": "airhockey", "mode": "blitz", "before": 1500, "after": 1516},
        ),
    ],
)
def test_what_players_are_told(data, kind, shown):
    assert messages.of_event(data) == messages.Message(kind, shown)


def test_a_registration_is_nobody_elses_business():
    assert messages.of_event(events.PlayerRegistered("p", "guest")) is None


def test_pushes_carry_their_number():
    text = messages.Message("ticket.queued", {"ticket": "t"}).text(3)
    assert msgspec.json.decode(text) == {
        "type": "ticket.queued",
        "seq": 3,
        "data": {"ticket": "t"},
    }


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"type":"login"}', '{"type":"shout"}', '{"type":"login","token":1}']
)
def test_what_we_do_not_know_is_not_read(text):
    with pytest.raises(msgspec.DecodeError):
        messages.decode(text)


def test_an_event_names_every_read_that_it_makes_untrue():
    assert [s.kind for s in fanout.untrue_after(RATED)] == [
        "player",
        "match",
        "ladder",
        "ladder",
        "ladder",
    ]
    assert [s.id for s in fanout.untrue_after(READY)] == [MATCH]
    assert [s.id for s in fanout.untrue_after(ENDED)] == [MATCH]
    assert fanout.untrue_after(events.TicketCancelled("t", "p")) == []
