"""Whole matches on a world made of dictionaries: an API, a channel and a game server."""

import asyncio
import itertools
from typing import Any

import msgspec
import pytest

from matchfleet_client import accounts, errors, happenings, play, sockets, transport
from matchfleet_contracts import results, wire
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.wire import codec

RESULT = results.Result(
    match_uid="u",
    outcome=results.Outcome.COMPLETED,
    standings=[
        results.Standing(seat=0, rank=1, score=3),
        results.Standing(seat=1, rank=2, score=1),
    ],
    ticks=1200,
    tick_hz=60,
    achieved_hz=59.9,
    late_ticks=2,
)
PLAN = play.Plan(
    game="airhockey",
    mode="blitz",
    names=("one", "two"),
    rtt_ms=({"eu": 20}, {"eu": 30}),
    policies=("strong", "weak"),
)


def view(tick: int, score: tuple[int, int]) -> bytes:
    body = airhockey.Body(x=0.0, y=0.0, vx=0.0, vy=0.0)
    return airhockey.encode_view(
        airhockey.View(
            tick=tick,
            ticks_left=1200 - tick,
            stage=airhockey.Stage.PLAYING,
            score=score,
            puck=body,
            mallets=(body, body),
        )
    )


class World:
    """An install with room for one match: it is ready once both have queued, and ends with END."""

    def __init__(self, *, state: str = "completed", breaks: int = 0) -> None:
        self.state = state
        self.breaks = breaks
        self.seated = 0
        self.players: list[str] = []
        self.trips: list[dict[str, int]] = []
        self.is_over = False
        self.joins = itertools.count()
        self.has_all = asyncio.Event()
        self.both_play = asyncio.Event()

    async def send(self, request: transport.Request) -> transport.Response:
        method, path = request.method, request.path
        body = msgspec.json.decode(request.body) if request.body else {}
        who = request.token or ""
        if path == "/v1/auth/guest":
            return _ok(
                {
                    "player_id": body["name"],
                    "name": body["name"],
                    "access_token": body["name"],
                    "refresh_token": "r",
                    "expires_in": 600,
                }
            )
        if path == "/v1/players/me":
            return _ok({"id": who, "name": who, "kind": "guest", "created_at": ""})
        if path == "/v1/queues":
            return _ok(
                {"queues": [{"game": "airhockey", "mode": "blitz", "regions": ["eu", "us"]}]}
            )
        if (method, path) == ("POST", "/v1/tickets"):
            self.players.append(who)
            self.trips.append(body["rtt_ms"])
            if len(self.players) == 2:
                self.has_all.set()
            return _ok(self._ticket(who))
        if path.startswith("/v1/tickets/"):
            return _ok(self._ticket(path.rpartition("/")[2]))
        if path == "/v1/matches/m/join":
            if self.is_over:
                return transport.Response(410, b'{"code": "match_over"}')
            seat = self.players.index(who)
            return _ok(
                {
                    "url": f"ws://pod/{next(self.joins)}",
                    "token": "t",
                    "seat": seat,
                    "expires_at": "",
                }
            )
        assert path == "/v1/matches/m", path
        return _ok(self._match())

    async def dial(self, url: str, subprotocol: str) -> sockets.Socket:  # noqa: ARG002
        if url.endswith("/v1/channel"):
            return Channel(self)
        if self.breaks:
            self.breaks -= 1
            raise errors.Unreachable(url, "gone")
        self.seated += 1
        if self.seated == 2:
            self.both_play.set()
        return Table(self)

    def _ticket(self, who: str) -> dict[str, Any]:
        is_ready = len(self.players) == 2
        return {
            "id": who,
            "state": "matched" if is_ready else "queued",
            "game": "airhockey",
            "mode": "blitz",
            "queued_at": "",
            "expires_at": "",
            "match_id": "m" if is_ready else None,
        }

    def _match(self) -> dict[str, Any]:
        match = {
            "id": "m",
            "game": "airhockey",
            "mode": "blitz",
            "region": "eu",
            "ranked": True,
            "state": "ready",
            "url": "ws://pod",
            "requested_at": "",
            "seats": [
                {"seat": i, "team": i, "player_id": p, "name": p}
                for i, p in enumerate(self.players)
            ],
        }
        if not self.is_over:
            return match
        if self.state != "completed":
            return match | {"state": self.state, "reason": "ServerLost", "message": "gone"}
        moves = [
            {"player_id": p, "before": 1500, "after": 1516 - 32 * i}
            for i, p in enumerate(self.players)
        ]
        result = msgspec.to_builtins(RESULT)
        return match | {"state": "completed", "result": result, "ratings": moves}


class Channel:
    """Says hello, then that a match was made, then nothing more: the rest is read over REST."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: list[str] = []

    async def send(self, message: str | bytes) -> None:
        pass

    async def receive(self) -> str | bytes:
        if not self.said:
            self.said.append('{"type": "hello", "player": "p"}')
        elif len(self.said) == 1:
            await self.world.has_all.wait()
            self.said.append('{"type": "ticket.matched", "data": {"ticket": "t"}}')
        else:
            await asyncio.Event().wait()
        return self.said[-1]

    async def close(self) -> None:
        pass


class Table:
    """A game server that shows two snapshots and ends the match."""

    def __init__(self, world: World) -> None:
        self.world = world
        end = wire.End(is_provisional=True, result=msgspec.json.encode(RESULT))
        self.frames: list[wire.ServerFrame] = [
            wire.Welcome(
                version=1, seat=0, tick=0, tick_hz=60, snapshot_hz=30, game="a", config={}
            ),
            wire.Full(tick=60, ack_seq=0, view=view(60, (0, 0))),
            wire.Full(tick=120, ack_seq=1, view=view(120, (1, 0))),
            end,
        ]

    async def send(self, message: str | bytes) -> None:
        pass

    async def receive(self) -> str | bytes:
        await self.world.both_play.wait()
        frame = self.frames.pop(0)
        self.world.is_over = self.world.is_over or isinstance(frame, wire.End)
        if self.world.state != "completed" and isinstance(frame, wire.End):
            raise sockets.Closed(1006, "")
        return codec.encode_server(frame)

    async def close(self) -> None:
        pass


def _ok(body: Any) -> transport.Response:
    return transport.Response(200, msgspec.json.encode(body))


async def lived(world: World, plan: play.Plan = PLAN) -> tuple[accounts.Account, list[Any]]:
    told: list[Any] = []
    account = await play.play(
        plan, world, "http://here", tell=told.append, clock=lambda: 0.0, dial=world.dial
    )
    return account, told


async def test_the_account_says_who_won_and_what_it_was_worth() -> None:
    account, _ = await lived(World())
    assert account.match == "m"
    assert account.endpoint == "ws://pod"
    assert [(p.rank, p.score) for p in account.standings] == [(1, 3), (2, 1)]
    assert sum(after - before for before, after in account.ratings.values()) == 0
    assert (account.ticks, account.achieved_hz, account.draw) == (1200, 59.9, False)


async def test_it_is_told_as_it_happens_and_shared_things_once() -> None:
    _, told = await lived(World())
    kinds = [type(one) for one in told]
    assert kinds.count(happenings.Queued) == 2
    assert kinds.count(happenings.Joined) == 2
    assert kinds.count(happenings.Rated) == 2
    for shared in (happenings.ServerReady, happenings.GameOver, happenings.Recorded):
        assert kinds.count(shared) == 1
    assert [one.score for one in told if isinstance(one, happenings.Scored)] == [(1, 0)]
    assert all(happenings.sentence(one) for one in told)


async def test_each_player_has_its_own_round_trips() -> None:
    world = World()
    await lived(world)
    assert sorted(world.trips, key=str) == [{"eu": 20}, {"eu": 30}]


async def test_without_round_trips_every_region_is_as_near() -> None:
    world = World()
    await lived(world, _without_trips())
    assert world.trips == [{"eu": 50, "us": 50}] * 2


def _without_trips() -> play.Plan:
    return play.Plan(
        game=PLAN.game, mode=PLAN.mode, names=PLAN.names, rtt_ms=(), policies=PLAN.policies
    )


async def test_a_server_that_does_not_answer_at_first_is_tried_again() -> None:
    account, _ = await lived(World(breaks=1))
    assert account.ticks == 1200


async def test_a_lost_match_is_named_with_its_reason() -> None:
    with pytest.raises(errors.MatchLost, match=r"ServerLost: gone.*queue again"):
        await lived(World(state="failed"))


async def test_a_policy_that_is_not_known_is_refused_before_anybody_logs_in() -> None:
    world = World()
    plan = play.Plan(
        game="airhockey", mode="blitz", names=("one",), rtt_ms=(), policies=("genius",)
    )
    with pytest.raises(errors.NoPolicy, match="choose one of weak, medium, strong"):
        await lived(world, plan)
    assert world.players == []


def test_a_shared_first_rank_is_a_draw() -> None:
    drawn = msgspec.structs.replace(
        RESULT, standings=[results.Standing(seat=s, rank=1, score=1) for s in (0, 1)]
    )
    assert accounts.is_draw(drawn)
    assert not accounts.is_draw(RESULT)
