"""Every event counts once towards its hour, however often it comes."""

import asyncio
import datetime
import random

from matchfleet_adapters import rabbitmq
from matchfleet_contracts import events
from matchfleet_contracts.ids import EventId
from matchfleet_contracts.resources import Reason

AT = datetime.datetime(2026, 5, 1, 10, 30, tzinfo=datetime.UTC)
HOUR = AT.replace(minute=0)


def created(match):
    data = events.MatchCreated(
        match=match.id, game="airhockey", mode="blitz", region="eu", players=match.players
    )
    return events.event(data, event_id=EventId(f"{match.id}/created"), source="/api", at=AT)


async def hours(world):
    return [dict(row) for row in await world.sql.fetch("SELECT * FROM hourly_matches")]


async def until_counted(world, events_seen):
    async with asyncio.timeout(30):
        while (  # noqa: ASYNC110
            await world.sql.fetchval("SELECT count(*) FROM inbox WHERE consumer = 'analytics'")
            < events_seen
        ):
            await asyncio.sleep(0.05)


async def test_matches_and_players_are_counted_once_however_often_it_is_said(
    world, publisher, analytics, rabbitmq_url
):
    players = await world.players(3)
    matches = [
        await world.match([players[0], players[1]], live=False),
        await world.match([players[0], players[2]], live=False),
        await world.match([players[1], players[2]], live=False),
    ]
    failed = matches[2].ended(
        at=AT, ended_as=events.EndedAs.FAILED, reason=Reason.NODE_LOST, result=None
    )
    said = [
        *(created(match) for match in matches),
        *(match.ended(1, 2, at=AT) for match in matches[:2]),
        failed,
    ] * 4
    random.Random(7).shuffle(said)
    await asyncio.gather(*(publisher.publish(event) for event in said))
    async with analytics(), analytics():
        await until_counted(world, 6)
        async with asyncio.timeout(20):
            while (await rabbitmq.depths(rabbitmq_url))[1].messages:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert await hours(world) == [
        {
            "hour": HOUR,
            "game": "airhockey",
            "mode": "blitz",
            "region": "eu",
            "created": 3,
            "completed": 2,
            "failed": 1,
            "cancelled": 0,
            "humans": 4,
            "bots": 0,
            "ticks": 2400,
        }
    ]
    assert await world.sql.fetchval("SELECT count(*) FROM hourly_players") == 3


async def test_a_match_applied_by_hand_counts_without_a_row(world, publisher, analytics):
    match = await world.match()
    await world.sql.execute("DELETE FROM matches")
    by_hand = match.ended(1, 2, at=AT, match="friendly", humans=0, bots=2)
    async with analytics():
        await publisher.publish(by_hand)
        await until_counted(world, 1)
    [row] = await hours(world)
    assert (row["completed"], row["humans"], row["bots"]) == (1, 0, 2)


async def test_the_analytics_process_counts_and_stops_when_told(world, publisher, run_worker):
    match = await world.match()
    async with run_worker("analytics") as worker:
        await publisher.publish(match.ended(1, 2, at=AT))
        await until_counted(world, 1)
        assert await worker.stop(timeout_s=15) == 0
    assert len(await hours(world)) == 1
