from typing import Any

import msgspec
import pytest

from matchfleet_client import errors, notices

KINDS: list[tuple[str, dict[str, Any], Any]] = [
    ("ticket.matched", {"ticket": "t", "player": "p", "match": "m", "waited_s": 1.0}, "matched"),
    ("ticket.queued", {"ticket": "t", "state": "something else"}, "queued"),
    ("ticket.proposed", {"match": "m", "region": "eu"}, "proposed"),
    ("ticket.requeued", {"ticket": "t", "match": "m"}, "requeued"),
]


@pytest.mark.parametrize(("kind", "data", "state"), KINDS)
def test_a_tickets_state_is_in_its_type(kind: str, data: dict[str, Any], state: str) -> None:
    found = notices.decode(msgspec.json.encode({"type": kind, "seq": 3, "data": data}))
    assert isinstance(found, notices.TicketMoved)
    assert (found.ticket, found.match) == (data.get("ticket"), data.get("match"))
    assert found.state == state


def test_the_end_of_a_match_tells_how_and_why() -> None:
    data = {"match": "m", "ended_as": "failed", "reason": "ServerLost", "message": "gone"}
    text = msgspec.json.encode({"type": "match.ended", "seq": 1, "data": data})
    assert notices.decode(text) == notices.MatchEnded("m", "failed", "ServerLost", "gone")  # type: ignore[arg-type]


@pytest.mark.parametrize("player", ["p", {"id": "p", "name": "one"}])
def test_hello_names_the_player(player: Any) -> None:
    found = notices.decode(msgspec.json.encode({"type": "hello", "player": player}))
    assert found == notices.Opened("p")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["pong", "party.invited"])
def test_what_is_not_known_is_passed_over(kind: str) -> None:
    assert notices.decode(msgspec.json.encode({"type": kind, "data": {"a": 1}})) is None


@pytest.mark.parametrize("text", ["", "[]", '{"type": 3}', '{"type": "match.ready", "data": {}}'])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(errors.ReplyInvalid):
        notices.decode(text)
