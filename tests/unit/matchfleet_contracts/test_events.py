import datetime as dt
import fnmatch
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchfleet_contracts import errors, events, topology
from matchfleet_contracts.ids import EventId

AT = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
ENDED = events.MatchEnded(
    match="m-1",
    match_uid="u",
    ended_as=events.EndedAs.FAILED,
    game="airhockey",
    mode="blitz",
    region="eu",
    humans=2,
    bots=0,
)


def an_event(data: events.EventData = ENDED) -> events.Event:
    return events.event(data, event_id=EventId("e"), source="/operator", at=AT)


def test_the_type_of_an_event_is_its_routing_key() -> None:
    assert an_event().type == "match.ended"
    assert an_event().time == "2026-01-31T12:00:00Z"


def test_an_event_survives_the_broker() -> None:
    assert events.decode(events.encode(an_event())) == an_event()


def test_the_end_of_a_match_has_one_id_however_often_it_is_published() -> None:
    assert events.match_ended_id("u") == events.match_ended_id("u")
    assert events.match_ended_id("u") != events.match_ended_id("v")


def test_every_event_that_must_not_get_lost_has_a_queue_and_no_passing_one_fills_any() -> None:
    kinds = {kind.__struct_config__.tag for kind in typing.get_args(events.EventData)}
    patterns = [pattern for queue in topology.QUEUES for pattern in queue.binds]
    kept = {k for k in kinds if any(fnmatch.fnmatch(k, p.replace("#", "*")) for p in patterns)}
    assert kept == kinds - events.PASSING


def test_nobody_waits_less_than_nobody() -> None:
    said = events.encode(an_event(events.QueueDepth("g", "m", {"eu": events.RegionDepth(1, [])})))
    with pytest.raises(errors.EventInvalid):
        events.decode(said.replace(b'"players":1', b'"players":-1'))


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_refused(noise: bytes) -> None:
    with pytest.raises(errors.EventInvalid):
        events.decode(noise)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="empty"),
        pytest.param(b"x" * (events.MAX_EVENT_BYTES + 1), id="too-large"),
        pytest.param(b"[" * 50_000, id="deep"),
        pytest.param(
            events.encode(an_event()).replace(b'"1.0"', b'"0.3"'), id="another-specification"
        ),
        pytest.param(
            events.encode(an_event()).replace(b'"match.ended"', b'"match.begun"'), id="unknown-type"
        ),
        pytest.param(
            events.encode(an_event()).replace(
                b'"type":"match.ended","time"', b'"type":"match.ready","time"'
            ),
            id="type-against-data",
        ),
    ],
)
def test_a_message_outside_the_catalogue_is_refused(body: bytes) -> None:
    with pytest.raises(errors.EventInvalid):
        events.decode(body)
