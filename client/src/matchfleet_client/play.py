"""Whole matches from login to rating, told as they happen, and the account at the end.

All players log in and open their ears first, then queue at the same moment: the time from ticket to
playable is then the product's own, not that of the slowest login.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from matchfleet_client import (
    accounts,
    game,
    happenings,
    models,
    player,
    policies,
    sockets,
    transport,
)

UNMEASURED_RTT_MS = 50
Tell = Callable[[happenings.Happening], None]
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play.

    Attributes:
        names: one player each.
        rtt_ms: round trips to regions, one map a player; the last holds for the rest. With none,
            every region of the queue is taken to be equally near.
        policies: names of policies in turn.
        password: makes accounts with it, instead of guests.
        match_within_s: how long to wait for a match.
        record_within_s: how long to wait for the end to be on record.
    """

    game: str
    mode: str
    names: tuple[str, ...]
    rtt_ms: tuple[dict[str, int], ...]
    policies: tuple[str, ...]
    password: str | None = None
    match_within_s: float = 120.0
    record_within_s: float = 60.0


async def play(
    plan: Plan,
    carrier: transport.Transport,
    base_url: str,
    *,
    tell: Tell = lambda _: None,
    clock: Clock = time.monotonic,
    dial: sockets.Dial = sockets.dial,
) -> accounts.Account:
    """Play one match with each of the plan's players.

    Raises:
        errors.ClientError: it could not be played to its end; the message says what to do.
    """
    for name in plan.policies:
        policies.policy(plan.game, name)
    async with contextlib.AsyncExitStack() as stack:
        entered = await asyncio.gather(
            *(
                stack.enter_async_context(
                    player.entering(carrier, base_url, name=name, password=plan.password, dial=dial)
                )
                for name in plan.names
            )
        )
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(_live(plan, index, one, tell=tell, clock=clock))
                    for index, one in enumerate(entered)
                ]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return accounts.of_lives([task.result() for task in tasks])


async def _live(
    plan: Plan, index: int, one: player.Player, *, tell: Tell, clock: Clock
) -> accounts.Lived:
    """One player's way; the first player also tells what all of them share."""
    shared = tell if index == 0 else _untold
    name = one.login.name
    rtt_ms = await _round_trips(plan, index, one)
    rating = (await one.api.me()).rating(plan.game, plan.mode)
    tell(happenings.LoggedIn(one.login.player_id, name, rating))
    queued_at = clock()
    ticket = await one.queue(plan.game, plan.mode, rtt_ms)
    tell(happenings.Queued(name, f"{plan.game}/{plan.mode}", rtt_ms))
    match = await one.matched(ticket.id, within_s=plan.match_within_s)
    tell(_matched(one, match, after_s=clock() - queued_at))
    shared(happenings.ServerReady(match.id, match.url or "", clock() - queued_at))
    policy = policies.policy(plan.game, plan.policies[index % len(plan.policies)])
    watch = _Watch(name, policy, queued_at=queued_at, tell=tell, shared=shared, clock=clock)
    over = await one.play(match.id, policy, seen=watch.see)
    ended_at = clock()
    if over and over.result:
        shared(happenings.GameOver(match.id, over.result.ticks))
    final = await one.recorded(match.id, within_s=plan.record_within_s)
    rated_s = clock() - ended_at
    if final.result is not None:
        listed = tuple((p.name, p.rank, p.score) for p in accounts.places(final))
        shared(happenings.Recorded(final.id, listed, accounts.is_draw(final.result)))
    move = accounts.rating_move(final, one.login.player_id, otherwise=rating)
    tell(happenings.Rated(name, *move, after_s=rated_s))
    return accounts.Lived(name, final, move, watch.playable_s, rated_s)


async def _round_trips(plan: Plan, index: int, one: player.Player) -> dict[str, int]:
    if plan.rtt_ms:
        return plan.rtt_ms[min(index, len(plan.rtt_ms) - 1)]
    wanted = (plan.game, plan.mode)
    found = next((q for q in await one.api.queues() if (q.game, q.mode) == wanted), None)
    return dict.fromkeys(found.regions, UNMEASURED_RTT_MS) if found else {}


class _Watch:
    """Turns what a player sees into happenings: that it is playable, and each new score."""

    def __init__(
        self,
        name: str,
        policy: policies.Policy,
        *,
        queued_at: float,
        tell: Tell,
        shared: Tell,
        clock: Clock,
    ) -> None:
        self._name, self._policy, self._queued_at = name, policy, queued_at
        self._tell, self._shared, self._clock = tell, shared, clock
        self._score: tuple[int, ...] | None = None
        self.playable_s = 0.0

    def see(self, seen: game.Seen) -> None:
        score, at_s = self._policy.score(seen.view)
        if self._score is None:
            self.playable_s = self._clock() - self._queued_at
            self._tell(happenings.Joined(self._name, seen.seat, self._policy.name, self.playable_s))
        elif score != self._score:
            self._shared(happenings.Scored(score, at_s))
        self._score = score


def _matched(one: player.Player, match: models.Match, *, after_s: float) -> happenings.Matched:
    others = tuple(
        accounts.seat_name(seat) for seat in match.seats if seat.player_id != one.login.player_id
    )
    return happenings.Matched(one.login.name, match.id, match.region, others, after_s)


def _untold(_: happenings.Happening) -> None:
    """What another player tells already."""
