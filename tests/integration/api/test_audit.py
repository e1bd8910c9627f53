"""Each invariant is seen to hold, and a bug that is planted against it is found."""

import contextlib
import datetime

import msgspec
import pytest
import steps
from frontdoor import opened
from tickets import a_pod, a_result

from matchfleet_adapters import errors, rabbitmq
from matchfleet_adapters.redis import cache
from matchfleet_api.audit import auditor
from matchfleet_contracts import ids, resources


@pytest.fixture
async def door(front_door, monkeypatch):
    """An install on which one match was played, and whose audit does not wait long."""
    quick = auditor.AuditSettings(second_look_s=0.0)
    monkeypatch.setattr(front_door.parts.services.auditor, "_settings", quick)
    first, second, match = await steps.pair_two(front_door)
    await steps.make_ready(front_door, match)
    await steps.record_end(front_door, match, deltas={first.id: 16, second.id: -16})
    front_door.first, front_door.second, front_door.match = first, second, match
    front_door.name = ids.match_name(match)
    return front_door


async def audit(door):
    answer = await door.admin("GET", "/v1/admin/audit")
    assert answer.status == 200
    report = answer.json
    assert [c["invariant"] for c in report["checks"]] == [f"I{n}" for n in range(1, 11)]
    assert report["ok"] == all(c["ok"] for c in report["checks"])
    return {c["invariant"]: c["violations"] for c in report["checks"] if not c["ok"]}


async def planted(door, invariant):
    """The violations of the one invariant that a planted bug breaks."""
    found = await audit(door)
    assert set(found) == {invariant}, found
    return " / ".join(found[invariant])


RATE_AGAIN = """
DROP INDEX rating_ledger_once;
INSERT INTO rating_ledger (match_id, player_id, game, mode, before, delta, after)
SELECT match_id, player_id, game, mode, after, delta, after + delta FROM rating_ledger;
UPDATE ratings SET games = 2, rating = 1500 + 2 * (rating - 1500)
"""
ACT_AGAIN = """
ALTER TABLE inbox DROP CONSTRAINT inbox_pkey;
INSERT INTO inbox SELECT 'ranking', 'uid/ended' FROM generate_series(1, 2)
"""


def ago(seconds):
    return steps.CLOCK.now() - datetime.timedelta(seconds=seconds)


async def test_a_healthy_install_passes(door):
    assert await audit(door) == {}
    await door.first.call("GET", "/v1/players/me")
    await door.first.call("GET", f"/v1/matches/{door.match}")
    await door.call("GET", "/v1/leaderboards/airhockey/blitz")
    await door.second.queue()
    assert await audit(door) == {}


async def test_i1_a_result_that_was_lost_is_found(door):
    await door.sql(
        "UPDATE matches SET result = $2 WHERE id = $1",
        door.match,
        msgspec.to_builtins(a_result("somebody else's")),
    )
    assert "its row has another result" in await planted(door, "I1")


async def test_i1_an_end_that_was_not_recorded_is_found(door):
    third, fourth = await door.guest(), await door.guest()
    for guest in (third, fourth):
        await guest.queue()
    await steps.a_writer(door).run_pass()
    (row,) = await door.sql("SELECT match_id FROM seats WHERE player_id = $1", third.id)
    await steps.relay.Relay(door.database, door.cluster, now=steps.CLOCK).run_round()
    name = ids.match_name(row["match_id"])
    door.cluster.end(name, resources.Phase.FAILED, at_s=ago(89).timestamp())
    assert await audit(door) == {}, "there is time to record it"
    door.cluster.end(name, resources.Phase.FAILED, at_s=ago(91).timestamp())
    assert f"{name}: Failed, and its row is created" in await planted(door, "I1")


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        ("UPDATE ratings SET rating = rating + 1", "the ledger says"),
        ("UPDATE ratings SET games = games + 1", "the ledger says"),
        ("DELETE FROM ratings", "rating none"),
        ("DELETE FROM rating_ledger WHERE delta < 0", "was not rated"),
        (RATE_AGAIN, "rated 2 times"),
        ("UPDATE matches SET ranked = false", "not ranked"),
    ],
)
async def test_i2_a_rating_that_is_not_the_ledgers_is_found(door, bug, told):
    for statement in bug.split(";"):
        await door.sql(statement)
    assert told in await planted(door, "I2")


async def test_i2_a_broken_chain_is_found(door):
    await door.sql("DROP INDEX rating_ledger_once")
    await door.sql(
        "INSERT INTO rating_ledger (match_id, player_id, game, mode, before, delta, after) "
        "SELECT match_id, player_id, game, mode, before + 100, 5, before + 105 FROM rating_ledger"
    )
    found = await planted(door, "I2")
    assert "and the match before ended at" in found


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        ("UPDATE tickets SET state = 'queued', match_id = NULL, expires_at = $1", "queued, and"),
        ("UPDATE tickets SET state = 'proposed', changed_at = $1", "proposed, and its match"),
        (
            "UPDATE tickets SET state = 'proposed', match_id = NULL, changed_at = $1",
            "(none) is gone",
        ),
    ],
)
async def test_i3_a_ticket_that_does_not_end_is_found(door, bug, told):
    await door.sql(
        "UPDATE matches SET created_at = $1, ready_at = $1, ended_at = $1, requested_at = $1",
        ago(61),
    )
    await door.sql(bug, ago(61))
    assert told in await planted(door, "I3")


async def test_i3_a_player_with_two_open_tickets_is_found(door):
    await door.sql("DROP INDEX tickets_one_open")
    await door.sql(
        "UPDATE tickets SET state = 'queued', player_id = $1, match_id = NULL", door.first.id
    )
    assert "2 open tickets" in await planted(door, "I3")


async def test_i4_a_player_in_two_live_seats_is_found(door):
    await door.first.queue()
    await door.second.queue()
    await steps.a_writer(door).run_pass()
    assert await audit(door) == {}
    await door.sql("DROP INDEX seats_one_live")
    await door.sql("UPDATE seats SET player_id = $1 WHERE live", door.first.id)
    found = await audit(door)
    assert set(found) == {"I4"}
    assert found["I4"] == [f"{door.first.id}: 2 live seats"]


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        ("UPDATE matches SET ended_at = NULL", "ended at no time"),
        ("UPDATE seats SET live = true WHERE seat = 0", "is live and the match is completed"),
        (ACT_AGAIN, "acted on it 2 times"),
    ],
)
async def test_i5_a_match_that_did_not_end_once_is_found(door, bug, told):
    for statement in bug.split(";"):
        await door.sql(statement)
    found = await audit(door)
    assert "I5" in found
    assert told in " / ".join(found["I5"])


async def test_i6_two_live_servers_of_one_match_are_found(door):
    resource = await door.cluster.get(door.name)
    door.cluster.pods = [
        a_pod(f"airhockey-eu-{n}", match=door.name, match_uid=resource.uid) for n in "ab"
    ]
    found = await audit(door)
    assert "2 live servers" in " / ".join(found["I6"])


async def test_i7_a_pod_that_outlives_its_match_or_its_deadline_is_found(door):
    resource = await door.cluster.get(door.name)
    door.cluster.pods = [
        a_pod("airhockey-eu-a", match=door.name, match_uid=resource.uid),
        a_pod("airhockey-eu-b", match="m-gone", match_uid="gone"),
        a_pod("airhockey-eu-c", match="m-gone2", match_uid="gone", deadline_s=ago(61).timestamp()),
    ]
    found = await planted(door, "I7")
    assert "airhockey-eu-a: lives on" in found
    assert "airhockey-eu-b: busy, and its Match m-gone is gone" in found
    assert "past its deadline" in found


async def test_i8_a_remembered_read_that_is_untrue_is_found(door):
    await door.first.call("GET", "/v1/players/me")
    await door.first.call("GET", f"/v1/matches/{door.match}")
    await door.call("GET", "/v1/leaderboards/airhockey/blitz")
    assert await audit(door) == {}
    await door.sql("UPDATE players SET name = 'Eve' WHERE id = $1", door.first.id)
    found = await planted(door, "I8")
    for kind in ("player", "match", "ladder"):
        assert f"{kind} " in found
    await door.stores.cache.forget_all()
    assert await audit(door) == {}


async def test_i8_a_ladders_view_that_is_untrue_is_found(door):
    view = door.stores.ladders
    true = {door.first.id: 1516, door.second.id: 1484}
    (row,) = await door.sql("SELECT max(seq) AS last FROM rating_ledger")
    await view.replace("airhockey", "blitz", ratings=true, last=row["last"])
    assert await audit(door) == {}
    for wrong in (
        true | {door.first.id: 1517},
        {door.first.id: 1516},
        {door.first.id: 1484, door.second.id: 1516},
    ):
        await view.replace("airhockey", "blitz", ratings=wrong, last=row["last"])
        assert "ladder airhockey/blitz" in await planted(door, "I8")
    # One that has missed a move is read by nobody, and so no wrong answer.
    await view.replace("airhockey", "blitz", ratings=wrong, last=row["last"] - 1)
    assert await audit(door) == {}


async def test_i8_an_entry_that_reads_as_nothing_is_found(door):
    await door.first.call("GET", "/v1/players/me")
    subject = cache.Subject("player", door.first.id)
    store = door.stores.cache._store
    (entry,) = await store.read([subject.key])
    await store.write({subject.key: entry[:40]}, expire_ms=60_000)
    assert "does not read" in await planted(door, "I8")


async def test_i9_a_queue_that_is_blocked_is_found(door):
    door.broker.depth = [
        rabbitmq.Depth("ranking", messages=0, consumers=0, dead=0),
        rabbitmq.Depth("analytics", messages=1_001, consumers=1, dead=0),
    ]
    found = await planted(door, "I9")
    assert "ranking: nobody consumes it" in found
    assert "analytics: 1001 messages wait" in found


async def test_i9_a_dead_message_says_why(door):
    dead = {"queue": "ranking", "type": "match.ended", "body": b"", "died": None}
    door.broker.dead = [rabbitmq.DeadLetter(reason="not an event", **dead)]
    assert await audit(door) == {}
    door.broker.dead.append(rabbitmq.DeadLetter(reason="", **dead))
    assert "a dead match.ended has no reason" in await planted(door, "I9")


async def test_i10_a_match_that_missed_its_tick_rate_is_found(door):
    (row,) = await door.sql("SELECT uid FROM matches WHERE id = $1", door.match)
    result = a_result(row["uid"], achieved_hz=53.9, late_ticks=51)
    await door.sql(
        "UPDATE matches SET result = $2 WHERE id = $1", door.match, msgspec.to_builtins(result)
    )
    at_s = ago(100).timestamp()
    door.cluster.end(door.name, resources.Phase.COMPLETED, at_s=at_s, result=result)
    assert "53.9 of 60 ticks a second, 51 of 1200 late" in await planted(door, "I10")


async def test_what_cannot_be_looked_at_does_not_pass(door):
    door.cluster.is_away = True
    found = await audit(door)
    assert set(found) == {"I1", "I6", "I7"}
    assert all("could not be looked at" in " / ".join(v) for v in found.values())


async def test_a_role_that_may_not_list_pods_does_not_pass(door, monkeypatch):
    async def refused():
        raise errors.ResourceRefused("pods is forbidden")

    monkeypatch.setattr(door.cluster, "servers", refused)
    assert set(await audit(door)) == {"I6", "I7"}


async def test_what_was_on_its_way_is_looked_at_twice(door, monkeypatch):
    asked = []
    real = door.cluster.servers

    async def gone_at_the_second_look():
        asked.append(1)
        return [a_pod(match="m-gone", match_uid="gone")] if len(asked) <= 2 else await real()

    monkeypatch.setattr(door.cluster, "servers", gone_at_the_second_look)
    assert await audit(door) == {}


async def test_redis_may_be_away_during_an_audit(tmp_path, postgres_dsn):
    async with contextlib.AsyncExitStack() as stack:
        door = await stack.enter_async_context(
            opened(
                tmp_path, dsn=postgres_dsn, redis_url="redis://127.0.0.1:1/0", redis_budget_s=0.05
            )
        )
        assert await audit(door) == {}
