"""A ladder is read from the view in Redis while that is true, and from PostgreSQL otherwise."""

import pytest
import steps

from matchfleet_api.services import players

LADDER = "/v1/leaderboards/airhockey/blitz"


@pytest.fixture
async def door(front_door):
    first, second, match = await steps.pair_two(front_door)
    await steps.make_ready(front_door, match)
    await steps.record_end(front_door, match, deltas={first.id: 16, second.id: -16})
    front_door.true = [(1, first.id, "Ada", 1516, 1), (2, second.id, "Bob", 1484, 1)]
    (row,) = await front_door.sql("SELECT max(seq) AS last FROM rating_ledger")
    front_door.last = row["last"]
    return front_door


def reads(source):
    return players.LADDER_READS.labels(source)._value.get()


async def ladder(door, *, source):
    """What everybody sees, read anew; it came from where it should."""
    await door.stores.cache.forget_all()
    before = reads(source)
    entries = (await door.call("GET", LADDER)).json["entries"]
    assert reads(source) == before + 1, source
    return [(e["place"], e["player_id"], e["name"], e["rating"], e["games"]) for e in entries]


async def show(door, ratings, *, missed=0):
    await door.stores.ladders.replace(
        "airhockey", "blitz", ratings=ratings, last=door.last - missed
    )


def ratings_of(door):
    return {player: rating for _, player, _, rating, _ in door.true}


async def test_a_view_that_has_missed_nothing_is_read(door):
    await show(door, ratings_of(door))
    assert await ladder(door, source="view") == door.true


async def test_a_flushed_redis_gives_the_same_answer(door):
    await show(door, ratings_of(door))
    await door.stores.cache._store._client.flushdb()
    assert await ladder(door, source="postgres") == door.true


async def test_a_view_that_has_missed_a_move_is_not_read(door):
    wrong = dict.fromkeys(ratings_of(door), 1500)
    await show(door, wrong, missed=1)
    assert await ladder(door, source="postgres") == door.true


async def test_a_view_that_was_withdrawn_is_not_read(door):
    await show(door, dict.fromkeys(ratings_of(door), 1500))
    await door.stores.ladders.withdraw("airhockey", "blitz")
    assert await ladder(door, source="postgres") == door.true


async def test_a_view_with_a_player_who_is_gone_is_not_read(door):
    await show(door, ratings_of(door) | {"01a20fb5-0000-7000-8000-0000000000ff": 1600})
    assert await ladder(door, source="postgres") == door.true


async def test_without_redis_the_answer_is_the_same(door, redis_server):
    await show(door, ratings_of(door))
    await redis_server.stop()
    assert await ladder(door, source="postgres") == door.true
    await redis_server.start()


async def test_a_ladder_that_nobody_is_on_is_empty(front_door):
    front_door.last = 0
    await show(front_door, {})
    assert await ladder(front_door, source="view") == []
