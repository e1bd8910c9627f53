import msgspec

from matchfleet_api.channel import hub, messages

MESSAGE = messages.Message("ticket.queued", {"ticket": "t"})


async def test_a_push_reaches_every_connection_of_its_players_and_no_other():
    here = hub.Hub()
    first, second, other = here.join("p1"), here.join("p1"), here.join("p2")
    here.push(["p1", "nobody here"], MESSAGE)
    other.say("mark")
    assert msgspec.json.decode(await first.next_text())["seq"] == 1
    assert msgspec.json.decode(await second.next_text())["seq"] == 1
    assert await other.next_text() == "mark"


async def test_each_connection_counts_its_own_pushes():
    here = hub.Hub()
    early = here.join("p1")
    here.push(["p1"], MESSAGE)
    late = here.join("p1")
    here.push(["p1"], MESSAGE)
    assert [msgspec.json.decode(await early.next_text())["seq"] for _ in range(2)] == [1, 2]
    assert msgspec.json.decode(await late.next_text())["seq"] == 1


def test_a_full_connection_is_slow_and_the_others_are_not():
    here = hub.Hub(bound=2)
    sleepy, other = here.join("p1"), here.join("p2")
    for _ in range(3):
        here.push(["p1"], MESSAGE)
    here.push(["p2"], MESSAGE)
    assert sleepy.is_slow.is_set()
    assert not other.is_slow.is_set()


def test_who_left_is_not_here():
    here = hub.Hub()
    connection = here.join("p1")
    assert here.is_here("p1")
    here.leave(connection)
    assert here.is_empty()
    here.push(["p1"], MESSAGE)
