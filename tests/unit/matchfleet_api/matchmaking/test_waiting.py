import datetime

from tickets import NOW, later

from matchfleet_adapters.postgres import tickets
from matchfleet_api.matchmaking import waiting


def a_ticket(name, **changes):
    values = {
        "id": name,
        "player_id": f"p-{name}",
        "game": "airhockey",
        "mode": "blitz",
        "rating": 1500,
        "rtt_ms": {},
        "state": tickets.TicketState.QUEUED,
        "match_id": None,
        "avoid_region": None,
        "queued_at": NOW,
        "expires_at": later(300),
        "changed_at": NOW,
    }
    return tickets.Ticket(**(values | changes))


def names(known, now: datetime.datetime = NOW):
    return {c.ticket for c in known.candidates(now)}


def test_a_full_read_forgets_who_left_and_a_partial_one_does_not():
    known = waiting.Waiting()
    known.replace([a_ticket("a"), a_ticket("b")])
    known.add([a_ticket("c")])
    assert names(known) == {"a", "b", "c"}
    known.replace([a_ticket("b")])
    assert names(known) == {"b"}


def test_the_latest_change_only_moves_forward():
    known = waiting.Waiting()
    known.add([a_ticket("a", changed_at=later(5)), a_ticket("b", changed_at=later(1))])
    known.replace([])
    assert known.latest_change == later(5)


def test_a_ticket_whose_time_is_over_is_not_paired():
    known = waiting.Waiting()
    known.add([a_ticket("a", expires_at=later(10))])
    assert names(known, later(9)) == {"a"}
    assert names(known, later(10)) == set()


def test_a_held_ticket_is_left_alone_for_a_while():
    known = waiting.Waiting()
    known.add([a_ticket("a"), a_ticket("b")])
    known.hold(["a"], until=later(5))
    assert names(known) == {"b"}
    assert names(known, later(5)) == {"a", "b"}


def test_a_claimed_ticket_is_forgotten_at_once():
    known = waiting.Waiting()
    known.add([a_ticket("a")])
    known.drop(["a", "never seen"])
    assert len(known) == 0


def test_everybody_waits_whether_left_alone_or_not():
    known = waiting.Waiting()
    known.replace([a_ticket("a"), a_ticket("b")])
    known.hold(["a"], until=later(5))
    assert names(known) == {"b"}
    assert {c.ticket for c in known.everybody} == {"a", "b"}
