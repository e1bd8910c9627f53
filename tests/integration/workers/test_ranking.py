"""A result moves ratings once, however often and in whatever order it comes."""

import asyncio
import datetime
import random

import pytest

from matchfleet_adapters import errors, rabbitmq
from matchfleet_adapters.rabbitmq import publisher as publishing
from matchfleet_contracts import events, ids, topology
from matchfleet_contracts.resources import Reason
from matchfleet_workers import clock


async def test_a_completed_match_ends_is_rated_and_told(world, recorder, view):
    match = await world.match()
    await recorder.handle(match.ended(1, 2))
    winner, loser = match.players
    assert await world.ratings() == {winner: (1516, 1), loser: (1484, 1)}
    row = await world.row(match)
    assert row["state"] == "completed"
    assert row["result"]["ticks"] == 1200
    assert row["ended_at"] is not None
    assert not await world.sql.fetchval("SELECT bool_or(live) FROM seats")
    assert {e["data"]["type"]: e["data"]["after"] for e in (await world.outbox()).values()} == {
        "rating.changed": 1484
    }
    assert len(await world.outbox()) == 2
    jobs = await world.sql.fetch("SELECT entrypoint, payload FROM pgqueuer")
    assert [tuple(job) for job in jobs] == [("match_summary", match.id.encode())]
    shown = await view.top("airhockey", "blitz", limit=10)
    assert shown.rows == [(winner, 1516), (loser, 1484)]
    assert shown.last == await world.sql.fetchval("SELECT max(seq) FROM rating_ledger")


async def test_an_end_that_comes_again_changes_nothing(world, recorder):
    match = await world.match()
    for _ in range(3):
        await recorder.handle(match.ended(1, 2))
    await world.audit(matches=[match])
    assert len(await world.outbox()) == 2


async def test_the_same_end_at_the_same_moment_counts_once(world, recorder):
    match = await world.match()
    await asyncio.gather(*(recorder.handle(match.ended(1, 2)) for _ in range(8)))
    await world.audit(matches=[match])


async def test_the_first_end_stands_when_another_outcome_follows(world, recorder):
    match = await world.match()
    failed = match.ended(ended_as=events.EndedAs.FAILED, reason=Reason.SERVER_LOST, result=None)
    await recorder.handle(failed)
    await recorder.handle(match.ended(1, 2))
    assert (await world.row(match))["state"] == "failed"
    assert await world.ratings() == {}


async def test_a_failed_match_frees_its_players_and_rates_nobody(world, recorder):
    match = await world.match(tickets=True)
    failed = match.ended(
        ended_as=events.EndedAs.FAILED,
        reason=Reason.SERVER_LOST,
        message="the pod is gone\x00",
        result=None,
    )
    await recorder.handle(failed)
    row = await world.row(match)
    assert (row["state"], row["reason"]) == ("failed", "ServerLost")
    assert row["message"] == "the pod is gone\N{REPLACEMENT CHARACTER}"
    assert not await world.sql.fetchval("SELECT bool_or(live) FROM seats")
    states = await world.sql.fetch("SELECT DISTINCT state FROM tickets")
    assert [s["state"] for s in states] == ["matched"]


async def test_a_match_that_never_was_ready_sends_its_tickets_back(world, recorder):
    match = await world.match(state="created", tickets=True)
    failed = match.ended(ended_as=events.EndedAs.FAILED, reason=Reason.NO_CAPACITY, result=None)
    await recorder.handle(failed)
    rows = await world.sql.fetch("SELECT * FROM tickets")
    original = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    assert {(r["state"], r["match_id"], r["avoid_region"], r["queued_at"]) for r in rows} == {
        ("queued", None, "eu", original)
    }
    told = await world.outbox()
    assert set(told) == {f"{ticket}/{match.id}/requeued" for ticket in match.tickets}


async def test_a_result_that_does_not_fit_the_seats_fails_the_match(world, recorder):
    match = await world.match()
    await recorder.handle(match.ended(1, 2, 3))
    row = await world.row(match)
    assert (row["state"], row["reason"]) == ("failed", "ResultInvalid")
    assert "seats" in row["message"]
    assert await world.ratings() == {}


async def test_a_match_against_a_bot_completes_and_moves_nobody(world, recorder):
    [player] = await world.players(1)
    match = await world.match([player, None])
    await recorder.handle(match.ended(1, 2))
    assert (await world.row(match))["state"] == "completed"
    assert await world.ratings() == {}


async def test_an_account_that_is_gone_holds_up_nobody(world, recorder):
    match = await world.match()
    await world.sql.execute("DELETE FROM players WHERE id = $1", match.players[0])
    await recorder.handle(match.ended(1, 2))
    assert (await world.row(match))["state"] == "completed"
    assert await world.ratings() == {}


async def test_a_match_without_a_row_is_nobody_s(world, recorder):
    match = await world.match()
    await world.sql.execute("DELETE FROM matches")
    await recorder.handle(match.ended(1, 2))
    await recorder.handle(match.ended(1, 2, match="friendly-by-hand"))
    assert await world.ratings() == {}
    assert await world.sql.fetchval("SELECT count(*) FROM inbox") == 0


async def test_a_row_that_does_not_know_its_resource_is_waited_for_then_adopts_it(world, recorder):
    match = await world.match(state="requested", uid=None)
    with pytest.raises(errors.NotYet, match=match.id):
        await recorder.handle(match.ended(1, 2))
    assert (await world.row(match))["state"] == "requested"
    long_ago = clock.SystemClock().now() - datetime.timedelta(seconds=11)
    await recorder.handle(match.ended(1, 2, at=long_ago))
    row = await world.row(match)
    assert (row["state"], row["uid"]) == ("completed", match.uid)
    await world.audit(matches=[match])


async def test_a_match_that_never_had_a_resource_ends_and_its_players_wait_again(world, recorder):
    match = await world.match(state="requested", uid=None, tickets=True)
    await recorder.handle(
        match.ended(
            match_uid=f"row-{match.id}",
            ended_as=events.EndedAs.FAILED,
            reason=Reason.ASSIGN_TIMEOUT,
            result=None,
        )
    )
    row = await world.row(match)
    assert (row["state"], row["uid"]) == ("failed", None)
    assert await world.sql.fetchval("SELECT count(*) FROM tickets WHERE state = 'queued'") == 2


@pytest.mark.parametrize("seed", range(3))
async def test_results_shuffled_and_delivered_five_times_over_two_workers_rate_once(
    world, publisher, ranking, seed
):
    randomness = random.Random(seed)
    players = await world.players(8)
    matches = [await world.match(randomness.sample(players, 2), live=False) for _ in range(30)]
    ranks = [(1, 2), (2, 1), (1, 1)]
    deliveries = [match.ended(*randomness.choice(ranks)) for match in matches] * 5
    randomness.shuffle(deliveries)
    async with ranking(), ranking():
        for start in range(0, len(deliveries), 25):
            batch = deliveries[start : start + 25]
            await asyncio.gather(*(publisher.publish(event) for event in batch))
        await world.until_rated(len(matches))
    await world.audit(matches=matches)
    assert await world.sql.fetchval("SELECT count(*) FROM matches WHERE state = 'completed'") == 30
    assert await world.sql.fetchval("SELECT count(*) FROM outbox") == 60
    assert await world.sql.fetchval("SELECT count(*) FROM inbox") == 30
    assert await world.sql.fetchval("SELECT count(*) FROM pgqueuer") == 30


async def test_a_stranger_s_event_is_kept_aside_and_holds_up_nothing(
    world, publisher, ranking, rabbitmq_url
):
    match = await world.match()
    opened = events.TicketOpened(ticket="t", player="p", game="g", mode="m")
    wrong = [
        events.event(
            opened,
            event_id=ids.EventId("e1"),
            source="/x",
            at=clock.SystemClock().now(),
        ),
        events.Event(
            id=ids.EventId("e2"),
            source="/x",
            type="match.ended",
            time="yesterday",
            data=match.ended().data,
        ),
    ]
    await publisher.publish(match.ended(1, 2))  # so that the queues are there
    async with await rabbitmq.connect(rabbitmq_url) as connection:
        channel = await connection.channel()
        for event in wrong:
            await channel.default_exchange.publish(publishing.message(event), routing_key="ranking")
    other = await world.match()
    await publisher.publish(other.ended(2, 1))
    async with ranking():
        await world.until_rated(2)
    letters = await rabbitmq.dead_letters(rabbitmq_url, topology.RANKING)
    assert {events.decode(letter.body).id for letter in letters} == {"e1", "e2"}
    assert all(letter.reason for letter in letters)
