import asyncio

import pytest

from matchfleet_adapters.redis import cache, memory

SUBJECT = cache.Subject("thing", "1")


class Hand:
    """A clock and a loader that tests move by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.value = b"first"
        self.loads = 0

    async def load(self):
        self.loads += 1
        return self.value, 1000


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def store(hand):
    return memory.MemoryStore(lambda: hand.now_s)


def a_cache(store, **changes):
    return cache.Cache(store, cache.CacheSettings(**({"jitter": 0.0, "rest_s": 0.0} | changes)))


@pytest.fixture
def cached(store):
    return a_cache(store)


async def test_what_was_loaded_once_is_remembered_until_it_expires(cached, hand):
    assert await cached.cached(SUBJECT, hand.load) == b"first"
    hand.value = b"second"
    assert await cached.cached(SUBJECT, hand.load) == b"first"
    hand.now_s = 1.0
    assert await cached.cached(SUBJECT, hand.load) == b"second"
    assert hand.loads == 2


async def test_readers_that_come_together_share_one_load(cached, hand):
    loading = asyncio.Event()

    async def slow():
        await loading.wait()
        return await hand.load()

    readers = [asyncio.ensure_future(cached.cached(SUBJECT, slow)) for _ in range(20)]
    await asyncio.sleep(0)
    loading.set()
    assert set(await asyncio.gather(*readers)) == {b"first"}
    assert hand.loads == 1


async def test_a_reader_that_goes_away_does_not_take_the_load_with_it(cached, hand):
    loading = asyncio.Event()

    async def slow():
        await loading.wait()
        return await hand.load()

    first = asyncio.ensure_future(cached.cached(SUBJECT, slow))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(cached.cached(SUBJECT, slow))
    await asyncio.sleep(0)
    first.cancel()
    loading.set()
    assert await second == b"first"


async def test_a_load_that_fails_fails_for_its_readers_and_is_not_remembered(cached, hand):
    async def broken():
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        await cached.cached(SUBJECT, broken)
    assert await cached.cached(SUBJECT, hand.load) == b"first"


async def test_an_invalidated_entry_is_not_believed(cached, hand):
    await cached.cached(SUBJECT, hand.load)
    hand.value = b"second"
    await cached.invalidate(SUBJECT)
    assert await cached.cached(SUBJECT, hand.load) == b"second"


async def test_a_reader_that_loaded_before_and_stores_afterwards_is_not_believed(cached, hand):
    loaded, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        body = await hand.load()
        loaded.set()
        await go_on.wait()
        return body

    early = asyncio.ensure_future(cached.cached(SUBJECT, slow))
    await loaded.wait()
    hand.value = b"second"
    await cached.invalidate(SUBJECT)
    go_on.set()
    assert await early == b"first", "it had asked before"
    assert await cached.cached(SUBJECT, hand.load) == b"second"


async def test_a_reader_after_an_invalidation_does_not_share_a_load_from_before(cached, hand):
    loaded, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        body = await hand.load()
        loaded.set()
        await go_on.wait()
        return body

    early = asyncio.ensure_future(cached.cached(SUBJECT, slow))
    await loaded.wait()
    hand.value = b"second"
    await cached.invalidate(SUBJECT)
    assert await cached.cached(SUBJECT, hand.load) == b"second"
    go_on.set()
    await early
    assert await cached.cached(SUBJECT, hand.load) == b"second"


async def test_invalidation_reaches_other_processes(store, hand):
    here, there = a_cache(store), a_cache(store)
    await here.cached(SUBJECT, hand.load)
    hand.value = b"second"
    await there.invalidate(SUBJECT)
    assert await here.cached(SUBJECT, hand.load) == b"second"


async def test_forgetting_all_believes_no_entry_of_before(store, hand):
    here, there = a_cache(store), a_cache(store)
    await here.cached(SUBJECT, hand.load)
    hand.value = b"second"
    await there.forget_all()
    assert await here.cached(SUBJECT, hand.load) == b"second"


async def test_a_flush_loses_nothing_but_time(cached, store, hand):
    await cached.cached(SUBJECT, hand.load)
    store.flush()
    assert await cached.cached(SUBJECT, hand.load) == b"first"
    assert hand.loads == 2


async def test_a_store_that_was_flushed_during_a_load_does_not_believe_its_entry(
    cached, store, hand
):
    async def flushed_meanwhile():
        body = await hand.load()
        await cached.invalidate(SUBJECT)
        store.flush()
        return body

    await cached.cached(SUBJECT, flushed_meanwhile)
    hand.value = b"second"
    assert await cached.cached(SUBJECT, hand.load) == b"second"


async def test_without_its_store_every_read_is_a_load(cached, store, hand):
    store.is_away = True
    for value in (b"first", b"second"):
        hand.value = value
        assert await cached.cached(SUBJECT, hand.load) == value


async def test_a_store_that_is_away_is_left_alone_for_a_while(store, hand):
    cached = a_cache(store, rest_s=60.0)
    store.is_away = True
    await cached.cached(SUBJECT, hand.load)
    asked = store.calls
    await cached.cached(SUBJECT, hand.load)
    assert store.calls == asked


async def test_an_invalidation_that_could_not_be_written_is_kept(cached, store, hand):
    await cached.cached(SUBJECT, hand.load)
    hand.value = b"second"
    store.is_away = True
    await cached.invalidate(SUBJECT)
    store.is_away = False
    assert await cached.cached(SUBJECT, hand.load) == b"second", "bypassed until it is written"
    await cached.flush_invalidations()
    assert await cached.cached(SUBJECT, hand.load) == b"second"


async def test_a_body_to_be_kept_for_no_time_is_not_kept(cached, hand):
    async def load():
        return (await hand.load())[0], 0

    await cached.cached(SUBJECT, load)
    await cached.cached(SUBJECT, load)
    assert hand.loads == 2


async def test_an_audit_sees_the_entries_that_would_be_believed(cached, hand):
    await cached.cached(SUBJECT, hand.load)
    await cached.cached(cache.Subject("thing", "2"), hand.load)
    await cached.invalidate(SUBJECT)
    assert [e async for e in cached.entries("thing")] == [("2", b"first")]
