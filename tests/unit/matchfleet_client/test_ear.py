import asyncio
from collections.abc import AsyncGenerator

import pytest

from matchfleet_client import ear, errors, notices

READY = notices.MatchReady("m", "ws://pod")  # type: ignore[arg-type]


async def test_a_notice_wakes_a_wait_at_once() -> None:
    listener = ear.Ear()
    looks = 0

    async def check() -> str | None:
        nonlocal looks
        looks += 1
        return "found" if listener.heard else None

    waiting = asyncio.create_task(listener.until(check, what="it", within_s=60, look_every_s=3600))
    await asyncio.sleep(0)
    listener.hear(READY)
    assert await waiting == "found"
    assert looks == 2


async def test_without_a_notice_it_looks_from_time_to_time() -> None:
    looks = iter([None, None, "found"])

    async def check() -> str | None:
        return next(looks)

    found = await ear.Ear().until(check, what="it", within_s=60, look_every_s=0.001)
    assert found == "found"


async def test_a_notice_told_while_looking_is_not_missed() -> None:
    listener = ear.Ear()

    async def check() -> str | None:
        if listener.heard:
            return "found"
        listener.hear(READY)
        return None

    assert await listener.until(check, what="it", within_s=60, look_every_s=3600) == "found"


async def test_what_does_not_come_is_named() -> None:
    async def check() -> str | None:
        return None

    with pytest.raises(errors.OutOfTime, match="a match did not happen"):
        await ear.Ear().until(check, what="a match", within_s=0.01)


async def test_listening_hears_all_that_is_told() -> None:
    async def told() -> AsyncGenerator[notices.Notice, None]:
        yield READY
        yield READY

    listener = ear.Ear()
    await listener.listen(told())
    assert listener.heard == [READY, READY]
    assert await listener.until_heard(notices.MatchReady, within_s=1)
    assert not await listener.until_heard(notices.Opened, within_s=0.001)


async def test_a_channel_that_is_refused_is_remembered_with_its_reason() -> None:
    async def told() -> AsyncGenerator[notices.Notice, None]:
        yield READY
        raise errors.ChannelRefused(4401, "bad login")

    listener = ear.Ear()
    await listener.listen(told())
    assert listener.heard == [READY]
    assert "log in again" in str(listener.lost)
