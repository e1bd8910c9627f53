"""Where stories are played: players, waits by condition, and the audit at the end.

It notes how long every match took from ticket to playable and from its end to the rating, so that
the session can say so at its end.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

import installs

from matchfleet_client import (
    accounts,
    api,
    ear,
    errors,
    game,
    happenings,
    models,
    notices,
    play,
    player,
    policies,
    transport,
)
from matchfleet_contracts import ids
from matchfleet_contracts.games import airhockey
from matchfleet_contracts.ids import MatchId

T = TypeVar("T")
GAME = airhockey.GAME
NEAR = {"eu": 20, "us": 90}
STEP_S = 0.1
AUDIT_WITHIN_S = 45.0


@dataclass(slots=True)
class Measures:
    """Seconds of every match of the session."""

    ticket_to_playable: list[float] = field(default_factory=list)
    end_to_rating: list[float] = field(default_factory=list)

    def add(self, ticket_to_playable: list[float], end_to_rating: list[float]) -> None:
        """Take over what another process measured."""
        self.ticket_to_playable += ticket_to_playable
        self.end_to_rating += end_to_rating

    def lines(self) -> list[str]:
        """For people, at the end."""
        named = {
            "ticket to playable": self.ticket_to_playable,
            "match end to rating visible": self.end_to_rating,
        }
        return [
            f"{name}: p50 {sorted(seconds)[len(seconds) // 2]:.2f} s, max {max(seconds):.2f} s "
            f"over {len(seconds)} matches"
            for name, seconds in named.items()
            if seconds
        ]


@dataclass(slots=True)
class Duel:
    """Two players in one match, and their play as it goes on."""

    match: models.Match
    players: tuple[player.Player, ...]
    playing: "asyncio.Task[list[game.Over | None]]"
    ticks: list[int]

    async def until_tick(self, tick: int) -> None:
        """Wait until both players have seen this tick."""

        async def check() -> bool | None:
            if self.playing.done():
                self.playing.result()
            return min(self.ticks) >= tick or None

        await until(check, what=f"tick {tick}", within_s=60)

    async def over(self) -> None:
        """Wait until the server said END to both."""
        assert all(over and over.result for over in await self.playing)


class Stage:
    """One install, and what stories do on it."""

    def __init__(
        self, install: installs.Install, carrier: transport.Transport, measures: Measures
    ) -> None:
        self.install = install
        self.carrier = carrier
        self.measures = measures

    @contextlib.asynccontextmanager
    async def players(
        self, count: int, *, registered: bool = False
    ) -> AsyncIterator[tuple[player.Player, ...]]:
        """Fresh players, logged in and listening."""
        async with contextlib.AsyncExitStack() as stack:
            entered = [
                await stack.enter_async_context(
                    player.entering(
                        self.carrier,
                        self.install.api_url,
                        name=f"story-{secrets.token_hex(4)}",
                        password=secrets.token_urlsafe(12) if registered else None,
                    )
                )
                for _ in range(count)
            ]
            yield tuple(entered)

    async def play(
        self,
        mode: str,
        *,
        players: int = 2,
        rtt_ms: tuple[dict[str, int], ...] = (NEAR,),
        strengths: tuple[str, ...] = ("strong", "weak"),
        registered: bool = False,
    ) -> accounts.Account:
        """A whole match through the public API, with its times noted."""
        mark = secrets.token_hex(4)
        plan = play.Plan(
            game=GAME,
            mode=mode,
            names=tuple(f"story-{mark}-{number}" for number in range(players)),
            rtt_ms=rtt_ms,
            policies=strengths,
            password=secrets.token_urlsafe(12) if registered else None,
        )
        account = await play.play(plan, self.carrier, self.install.api_url, tell=_told)
        self.measures.ticket_to_playable.append(account.ticket_to_playable_s)
        self.measures.end_to_rating.append(account.end_to_rating_s)
        return account

    @contextlib.asynccontextmanager
    async def duel(self, mode: str, *, rtt_ms: dict[str, int] | None = None) -> AsyncIterator[Duel]:
        """Two players who are playing a match while the block begins."""
        async with self.players(2) as both:
            began = time.monotonic()
            trips = rtt_ms or NEAR
            tickets = await asyncio.gather(*(one.queue(GAME, mode, trips) for one in both))
            matches = await asyncio.gather(
                *(one.matched(t.id) for one, t in zip(both, tickets, strict=True))
            )
            match = matches[0]
            assert all(other.id == match.id for other in matches)
            ticks = [0, 0]
            playing = asyncio.ensure_future(
                asyncio.gather(
                    *(
                        one.play(match.id, _policy(index), seen=_clock(ticks, index))
                        for index, one in enumerate(both)
                    )
                )
            )
            try:
                duel = Duel(match, both, playing, ticks)  # type: ignore[arg-type]
                await duel.until_tick(1)
                self.measures.ticket_to_playable.append(time.monotonic() - began)
                yield duel
            finally:
                playing.cancel()
                await asyncio.wait([playing])

    async def recorded(self, duel: Duel, *, within_s: float = 90.0) -> models.Match:
        """The match once its end is on record."""
        return await duel.players[0].recorded(duel.match.id, within_s=within_s)

    async def ledger(self, match: MatchId) -> list[tuple[str, int]]:
        """Every move of a rating that a match made: player and delta."""
        rows = await self.install.sql(
            f"SELECT player_id, delta FROM rating_ledger WHERE match_id = '{match}' ORDER BY seq"  # noqa: S608
        )
        return [(row[0], int(row[1])) for row in rows]

    async def rated_once(self, duel: Duel) -> None:
        """The match completed, and moved each player's rating exactly once."""
        match = await self.recorded(duel)
        assert match.state == "completed", f"{match.state}: {match.reason} {match.message}"
        moves = await self.ledger(match.id)
        assert sorted(who for who, _ in moves) == sorted(
            one.login.player_id for one in duel.players
        )
        assert sum(delta for _, delta in moves) == 0
        for one in duel.players:
            shown = (await one.api.me()).rating(GAME, match.mode)
            assert shown == _after(match, one)

    async def pod_of(self, match: MatchId) -> str:
        """The pod that plays a match."""
        name = ids.match_name(match)
        done = await self.install.kubectl("get", "match", name, "-o", "json")
        pod: str = done.json()["status"]["server"]["pod"]
        return pod

    async def until_pod_ended(self, pod: str) -> None:
        """Wait until a pod's process has ended and its result is in its status."""

        async def check() -> bool | None:
            done = await self.install.kubectl("get", "pod", pod, "-o", "json", check=False)
            if done.code != 0:
                return True
            return done.json()["status"].get("phase") in {"Succeeded", "Failed"} or None

        await until(check, what=f"the end of pod {pod}", within_s=30, every_s=0.3)

    async def audit_is_clean(self) -> None:
        """Every invariant holds, once what is under way has come to rest."""
        token = await self.install.admin_token()
        found: models.Audit | None = None

        async def check() -> bool | None:
            nonlocal found
            try:
                found = await api.audit(self.carrier, token=token)
            except (errors.Unreachable, errors.Refused):
                return None
            return found.ok or None

        try:
            await until(check, what="a clean audit", within_s=AUDIT_WITHIN_S, every_s=0.5)
        except errors.OutOfTime:
            broken = [check for check in found.checks if not check.ok] if found else found
            raise AssertionError(f"the audit is not clean: {broken}") from None


async def until(
    check: Callable[[], Awaitable[T | None]], *, what: str, within_s: float, every_s: float = STEP_S
) -> T:
    """What `check` finds, looked for again and again."""
    return await ear.Ear().until(check, what=what, within_s=within_s, look_every_s=every_s)


async def until_heard_end(
    one: player.Player, match: MatchId, *, within_s: float
) -> notices.MatchEnded:
    """What the player's channel says about the end of a match, waited for."""

    async def check() -> notices.MatchEnded | None:
        assert one.ear.lost is None, one.ear.lost
        ends = (n for n in one.ear.heard if isinstance(n, notices.MatchEnded))
        return next((end for end in ends if end.match == match), None)

    what = "the end of the match on the channel"
    return await one.ear.until(check, what=what, within_s=within_s)


def _after(match: models.Match, one: player.Player) -> int:
    return next(m.after for m in match.ratings if m.player_id == one.login.player_id)


def _policy(index: int) -> policies.Policy:
    return policies.policy(GAME, ("strong", "weak")[index % 2])


def _clock(ticks: list[int], index: int) -> Callable[[game.Seen], None]:
    def see(seen: game.Seen) -> None:
        ticks[index] = seen.tick

    return see


def _told(happening: happenings.Happening) -> None:
    print(happenings.sentence(happening))
