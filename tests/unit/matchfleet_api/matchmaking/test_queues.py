import msgspec
import pytest
from tickets import QUEUE_ENTRY

from matchfleet_api import errors
from matchfleet_api.matchmaking import queues


def parse(**changes):
    entry = {k: v for k, v in (QUEUE_ENTRY | changes).items() if v is not ...}
    return queues.parse(msgspec.json.encode({"queues": [entry]}))


def test_a_queue_is_read_whole():
    (queue,) = parse().values()
    assert queue.key == "airhockey/blitz"
    assert queue.seats == 2
    assert queue.regions == {"eu": ("airhockey-eu",), "us": ("airhockey-us",)}
    assert queue.limits.assign_seconds == 60
    assert queue.window == queues.Window(start=100, per_second=20, max=800)


def test_what_is_left_out_has_a_default():
    (queue,) = parse(window=..., limits=..., bot_after_s=..., bot=..., ranked=...).values()
    assert queue.limits.max_seconds == 900
    assert queue.bot_after_s is None
    assert not queue.ranked


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"game": "Air Hockey"}, r"\$\.queues\[0\]\.game: 'Air Hockey'"),
        ({"mode": ""}, r"\$\.queues\[0\]\.mode"),
        ({"regions": {}}, r"\$\.queues\[0\]\.regions is empty"),
        ({"regions": {"EU": ["f"]}}, r"\$\.queues\[0\]\.regions: 'EU'"),
        ({"regions": {"eu": []}}, r"regions\.eu: 1 to 8"),
        ({"regions": {"eu": ["a", "a"]}}, r"regions\.eu: 1 to 8 different"),
        ({"regions": {"eu": ["Bad_Name"]}}, "no fleet names"),
        ({"teams": 0}, r"\$\.queues\[0\]\.teams"),
        ({"teams": 9, "team_size": 9}, "at most 64 seats"),
        ({"window": {"start": 900, "max": 800}}, "0 <= start <= max"),
        ({"window": {"start": 1, "speed": 2}}, r"speed.*\$\.queues\[0\]\.window"),
        ({"window": {"start": "1"}}, r"Expected `int`.*window\.start"),
        ({"rtt_cap_ms": 0}, r"rtt_cap_ms: more than 0"),
        ({"bot_after_s": -1}, "bot_after_s: not negative"),
        ({"ticket_ttl_s": 0}, "ticket_ttl_s: 1 to 86400"),
        ({"limits": {"maxSeconds": 1}}, r"limits\.maxSeconds: 5 to 86400"),
        ({"limits": {"max_seconds": 100}}, "max_seconds"),
        ({"regions": ...}, "regions"),
        ({"color": "red"}, "color"),
        ({"config": {"a": 1.5}}, r"config\["),
    ],
)
def test_a_mistake_is_told_with_its_place(changes, place):
    with pytest.raises(errors.QueuesInvalid, match=place):
        parse(**changes)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"queues": []}', b'{"queues": {}}', b"\xff"])
def test_what_is_no_queues_file_is_refused(text):
    with pytest.raises(errors.QueuesInvalid):
        queues.parse(text)


def test_the_same_queue_twice_is_refused():
    with pytest.raises(errors.QueuesInvalid, match=r"\$\.queues\[1\].*twice"):
        queues.parse(msgspec.json.encode({"queues": [QUEUE_ENTRY, QUEUE_ENTRY]}))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(errors.QueuesInvalid, match=r"MATCHFLEET_QUEUES_FILE.*nowhere\.json"):
        queues.load(tmp_path / "nowhere.json")
