"""What happens to a match outside of the api, played by hand: claims, Ready, ends and ratings."""

import datetime
from typing import Any

import msgspec
from frontdoor import FrontDoor, Guest
from tickets import a_result

from matchfleet_api import clock
from matchfleet_api.matchmaking import queues, relay, writer
from matchfleet_contracts import ids, resources
from matchfleet_contracts.ids import MatchId

CLOCK = clock.SystemClock()


def a_writer(door: FrontDoor, **changes: Any) -> writer.Writer:
    """The writer of the one queue."""
    (queue,) = queues.load(door.config.queues_file).values()
    return writer.Writer(
        door.database,
        queue,
        now=changes.pop("now", CLOCK),
        new_id=clock.new_id,
        new_seed=lambda: 7,
        settings=writer.WriterSettings(**changes),
    )


async def pair_two(door: FrontDoor) -> tuple[Guest, Guest, MatchId]:
    """Two guests whose match was agreed and asked for."""
    first, second = await door.guest("Ada"), await door.guest("Bob")
    for guest in (first, second):
        assert (await guest.queue()).status == 201
    assert await a_writer(door).run_pass() == 1
    await relay.Relay(door.database, door.cluster, now=CLOCK).run_round()
    (row,) = await door.sql("SELECT match_id FROM seats WHERE player_id = $1 AND live", first.id)
    return first, second, row["match_id"]


async def make_ready(door: FrontDoor, match: MatchId) -> str:
    """The operator finds a server, and the watch sees it; returns the url."""
    url = "ws://127.64.0.1:7777"
    resource = door.cluster.make_ready(ids.match_name(match), pod="airhockey-eu-aaaaa", url=url)
    await door.parts.watch.observe(resource)
    return url


async def record_end(
    door: FrontDoor, match: MatchId, *, deltas: dict[str, int] | None = None
) -> None:
    """What ranking writes at the end of a completed match."""
    (row,) = await door.sql("SELECT uid, game, mode FROM matches WHERE id = $1", match)
    result = msgspec.to_builtins(a_result(row["uid"]))
    now = CLOCK.now()
    await door.sql(
        "UPDATE matches SET state = 'completed', result = $2, ended_at = $3 WHERE id = $1",
        match,
        result,
        now,
    )
    await door.sql("UPDATE seats SET live = false WHERE match_id = $1", match)
    for player, delta in (deltas or {}).items():
        await door.sql(
            "INSERT INTO rating_ledger (match_id, player_id, game, mode, before, delta, after) "
            "VALUES ($1, $2, $3, $4, 1500, $5, 1500 + $5)",
            match,
            player,
            row["game"],
            row["mode"],
            delta,
        )
        await door.sql(
            "INSERT INTO ratings (player_id, game, mode, rating, games) "
            "VALUES ($1, $2, $3, 1500 + $4, 1)",
            player,
            row["game"],
            row["mode"],
            delta,
        )
    door.cluster.end(
        ids.match_name(match),
        resources.Phase.COMPLETED,
        at_s=(now - datetime.timedelta(seconds=100)).timestamp(),
        result=a_result(row["uid"]),
    )
