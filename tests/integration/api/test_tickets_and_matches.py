import asyncio
import datetime

import steps
from tickets import QUEUE_ENTRY

from matchfleet_contracts import events, ids, keys, tokens

NOBODY = "01a20fb5-1b02-764f-b07f-c2a696b9dd6b"


async def test_a_ticket_is_opened_seen_and_cancelled(front_door):
    guest = await front_door.guest()
    made = await guest.queue(eu=20, us=120)
    assert made.status == 201
    ticket = made.json
    assert (ticket["state"], ticket["game"], ticket["match_id"]) == ("queued", "airhockey", None)
    seen = await guest.call("GET", f"/v1/tickets/{ticket['id']}")
    assert seen.json["queued_at"] == ticket["queued_at"]
    gone = await guest.call("DELETE", f"/v1/tickets/{ticket['id']}")
    assert (gone.status, gone.json["state"]) == (200, "cancelled")
    again = await guest.call("DELETE", f"/v1/tickets/{ticket['id']}")
    assert (again.status, again.json["state"]) == (200, "cancelled")
    assert (await guest.queue()).status == 201


async def test_a_player_waits_once(front_door):
    guest = await front_door.guest()
    answers = await asyncio.gather(*(guest.queue() for _ in range(8)))
    assert sorted(a.status for a in answers) == [201] + [409] * 7
    assert {a.code for a in answers if a.status == 409} == {"ticket_open"}


async def test_everything_about_a_ticket_is_told_once_each(front_door):
    guest = await front_door.guest()
    ticket = (await guest.queue()).json["id"]
    for _ in range(2):
        await guest.call("DELETE", f"/v1/tickets/{ticket}")
    found = await front_door.sql("SELECT event_id FROM outbox ORDER BY seq")
    assert [row["event_id"] for row in found] == [
        f"{guest.id}/registered",
        f"{ticket}/opened",
        f"{ticket}/cancelled",
    ]


MALFORMED = [
    {},
    {"game": "airhockey"},
    {"game": "Air", "mode": "blitz"},
    {"game": "airhockey", "mode": "blitz", "rtt_ms": {"eu": -1}},
    {"game": "airhockey", "mode": "blitz", "rtt_ms": {"eu": "fast"}},
    {"game": "airhockey", "mode": "blitz", "rtt_ms": {"EU": 1}},
    {"game": "airhockey", "mode": "blitz", "rtt_ms": {f"r{i}": 1 for i in range(65)}},
    {"game": "airhockey", "mode": "blitz", "rating": 9000},
]


async def test_a_malformed_wish_is_refused(front_door, subtests):
    guest = await front_door.guest()
    for body in MALFORMED:
        with subtests.test(body=body):
            answer = await guest.call("POST", "/v1/tickets", body)
            assert (answer.status, answer.code) == (422, "invalid")


async def test_a_queue_that_is_not_there_is_told(front_door):
    guest = await front_door.guest()
    wish = {"game": "airhockey", "mode": "nowhere"}
    answer = await guest.call("POST", "/v1/tickets", wish)
    assert (answer.status, answer.code) == (404, "not_found")


async def test_somebody_elses_ticket_is_not_there(front_door):
    one, other = await front_door.guest(), await front_door.guest()
    ticket = (await one.queue()).json["id"]
    for method in ("GET", "DELETE"):
        assert (await other.call(method, f"/v1/tickets/{ticket}")).code == "not_found"
        assert (await other.call(method, f"/v1/tickets/{NOBODY}")).code == "not_found"
    assert (await one.call("GET", f"/v1/tickets/{ticket}")).json["state"] == "queued"


async def test_two_who_are_paired_play_and_see_their_ratings_move(front_door):
    first, second, match = await steps.pair_two(front_door)
    seen = (await first.call("GET", f"/v1/matches/{match}")).json
    assert (seen["state"], seen["url"], seen["ranked"]) == ("created", None, True)
    assert {s["player_id"] for s in seen["seats"]} == {first.id, second.id}
    assert {s["name"] for s in seen["seats"]} == {"Ada", "Bob"}
    early = await first.call("POST", f"/v1/matches/{match}/join")
    assert (early.status, early.code) == (409, "not_ready")

    url = await steps.make_ready(front_door, match)
    joined = await first.call("POST", f"/v1/matches/{match}/join")
    assert (joined.status, joined.json["url"]) == (200, url)
    live = (await first.call("GET", "/v1/players/me/match")).json["match"]
    assert (live["id"], live["state"], live["url"]) == (match, "ready", url)

    await steps.record_end(front_door, match, deltas={first.id: 16, second.id: -16})
    await front_door.parts.fanout.handle(rating_changed(first.id, match, 1500, 1516))
    await front_door.parts.fanout.handle(rating_changed(second.id, match, 1500, 1484))
    over = (await first.call("GET", f"/v1/matches/{match}")).json
    assert over["state"] == "completed"
    assert {(c["player_id"], c["after"]) for c in over["ratings"]} == {
        (first.id, 1516),
        (second.id, 1484),
    }
    me = (await first.call("GET", "/v1/players/me")).json
    assert me["ratings"] == [{"game": "airhockey", "mode": "blitz", "rating": 1516, "games": 1}]
    ladder = (await front_door.call("GET", "/v1/leaderboards/airhockey/blitz?limit=2")).json
    assert [(e["place"], e["player_id"]) for e in ladder["entries"]] == [
        (1, first.id),
        (2, second.id),
    ]
    history = (await first.call("GET", f"/v1/players/{first.id}/matches?limit=5")).json
    assert [m["id"] for m in history["matches"]] == [match]
    late = await first.call("POST", f"/v1/matches/{match}/join")
    assert (late.status, late.code) == (410, "ended")
    none = await first.call("GET", "/v1/players/me/match")
    assert (none.status, none.code) == (404, "no_live_match")
    assert (await first.queue()).status == 201, "free to queue again"


async def test_a_join_token_is_for_one_seat_of_one_match_on_one_server(front_door):
    first, second, match = await steps.pair_two(front_door)
    await steps.make_ready(front_door, match)
    public = keys.decode_public((await front_door.call("GET", "/.well-known/jwks.json")).body)
    resource = await front_door.cluster.get(ids.match_name(match))
    now = front_door.parts.services.clock.now()
    seats = {}
    for guest in (first, second):
        joined = (await guest.call("POST", f"/v1/matches/{match}/join")).json
        claims = tokens.verify(
            joined["token"],
            tokens.JoinClaims,
            public=public,
            audience=tokens.join_audience(resource.uid, resource.server.pod_uid),
            now=now,
        )
        assert (claims.sub, claims.seat) == (guest.id, joined["seat"])
        assert 0 < claims.exp - claims.iat <= 60
        expires = datetime.datetime.fromisoformat(joined["expires_at"])
        assert int(expires.timestamp()) == claims.exp
        seats[guest.id] = claims.seat
    assert set(seats.values()) == {0, 1}


async def test_who_has_no_seat_does_not_join(front_door):
    _, _, match = await steps.pair_two(front_door)
    await steps.make_ready(front_door, match)
    stranger = await front_door.guest()
    answer = await stranger.call("POST", f"/v1/matches/{match}/join")
    assert (answer.status, answer.code) == (403, "not_in_match")
    assert (await stranger.call("GET", f"/v1/matches/{match}")).status == 200


async def test_who_is_matched_does_not_cancel_and_does_not_queue_again(front_door):
    first, _, match = await steps.pair_two(front_door)
    (row,) = await front_door.sql("SELECT id FROM tickets WHERE player_id = $1", first.id)
    late = await first.call("DELETE", f"/v1/tickets/{row['id']}")
    assert (late.status, late.code) == (409, "too_late")
    assert (await first.queue()).code == "already_playing"
    await steps.make_ready(front_door, match)
    assert (await first.queue()).code == "already_playing"


async def test_what_is_not_there_is_told_as_such(front_door):
    guest = await front_door.guest()
    for method, path in (
        ("GET", f"/v1/players/{NOBODY}"),
        ("GET", f"/v1/matches/{NOBODY}"),
        ("POST", f"/v1/matches/{NOBODY}/join"),
        ("GET", "/v1/nowhere"),
    ):
        answer = await guest.call(method, path)
        assert (answer.status, answer.code) == (404, "not_found")
    assert (await guest.call("PUT", "/v1/players/me")).code == "method_not_allowed"
    assert (await guest.call("GET", f"/v1/players/{NOBODY}/matches")).json == {"matches": []}
    for bad in ("x", "00000000-0000-0000-0000-000000000000", "%00", "1" * 5000):
        assert (await guest.call("GET", f"/v1/matches/{bad}")).status in {404, 422}


async def test_queues_and_regions_are_told(front_door):
    (queue,) = (await front_door.call("GET", "/v1/queues")).json["queues"]
    assert queue["regions"] == list(QUEUE_ENTRY["regions"])
    assert queue["bot_after_s"] == 20
    regions = (await front_door.call("GET", "/v1/regions")).json["regions"]
    assert regions == [
        {"region": "eu", "queues": ["airhockey/blitz"]},
        {"region": "us", "queues": ["airhockey/blitz"]},
    ]


async def test_an_administrator_asks_for_the_end_of_a_match(front_door):
    _, _, match = await steps.pair_two(front_door)
    answer = await front_door.admin("POST", f"/v1/admin/matches/{match}/cancel")
    assert (answer.status, answer.json) == (202, {"match_id": match, "desired": "Cancel"})
    resource = await front_door.cluster.get(ids.match_name(match))
    assert resource.spec["desired"] == "Cancel"


async def test_hours_are_told_newest_first(front_door):
    await front_door.sql(
        "INSERT INTO hourly_matches (hour, game, mode, region, created, completed, ticks) "
        "SELECT date_trunc('hour', now()) - n * interval '1 hour', 'g', 'm', 'eu', n + 1, n, 60 "
        "FROM generate_series(0, 3) n"
    )
    await front_door.sql(
        "INSERT INTO hourly_players SELECT date_trunc('hour', now()), 'g', 'm', 'eu', "
        "gen_random_uuid() FROM generate_series(1, 5)"
    )
    rows = (await front_door.admin("GET", "/v1/admin/analytics?hours=2")).json["rows"]
    assert [(r["created"], r["players"]) for r in rows] == [(1, 5), (2, 0)]


def rating_changed(player, match, before, after):
    data = events.RatingChanged(
        player=player, match=match, game="airhockey", mode="blitz", before=before, after=after
    )
    return events.event(data, event_id=f"{match}/{player}", source="/t", at=steps.CLOCK.now())
