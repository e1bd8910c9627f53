"""Who plays whom. Pure: the same tickets at the same time give the same proposals.

The longest waiting ticket is served first, and its wait sets how far ratings may lie apart: so the
tail of the ratings is not starved by newcomers who find each other at once. Around it, the nearest
ratings are taken as long as one region remains that all can play in. A ticket that has waited
`bot_after_s` plays with whoever was found, and with bots; such a match is never ranked.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matchfleet_api.matchmaking import queues, regions
from matchfleet_contracts.ids import PlayerId, TicketId


@dataclass(frozen=True, slots=True)
class Candidate:
    """What pairing knows of a waiting ticket."""

    ticket: TicketId
    player: PlayerId
    rating: int
    rtt_ms: Mapping[str, int]
    queued_at: datetime.datetime
    avoid_region: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One seat of a proposal; without a candidate, a bot sits there."""

    seat: int
    team: int
    candidate: Candidate | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A match that could be played now."""

    region: str
    places: tuple[Place, ...]
    ranked: bool

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The humans by seat."""
        return tuple(p.candidate for p in self.places if p.candidate is not None)


def pair(
    tickets: Sequence[Candidate], queue: queues.Queue, now: datetime.datetime
) -> list[Proposal]:
    """Proposals for waiting tickets, the longest waiting first; no ticket is in two of them."""
    field = _Field(tickets, queue, now)
    proposals = []
    for seed in sorted(tickets, key=_by_age):
        if field.is_taken(seed):
            continue
        wait_s = _wait_s(seed, now)
        group = field.gather(seed)
        if len(group.members) == queue.seats:
            proposals.append(_proposal(group, queue, ranked=queue.ranked))
        elif queue.bot_after_s is not None and wait_s >= queue.bot_after_s:
            proposals.append(_proposal(group, queue, ranked=False))
        else:
            continue
        field.take(group.members)
    return proposals


def tolerance(window: queues.Window, wait_s: float) -> int:
    """How far a rating may lie from that of a ticket which has waited `wait_s`."""
    return min(window.max, window.start + int(window.per_second * wait_s))


def _wait_s(ticket: Candidate, now: datetime.datetime) -> float:
    return max(0.0, (now - ticket.queued_at).total_seconds())


def _by_age(ticket: Candidate) -> tuple[datetime.datetime, str]:
    return ticket.queued_at, ticket.ticket


@dataclass(frozen=True, slots=True)
class _Group:
    members: tuple[Candidate, ...]
    possible: tuple[str, ...]


class _Field:
    """Waiting tickets in order of rating, from which those that were taken are unlinked.

    Walking outwards from a ticket meets the others by distance; unlinking keeps that walk short.
    """

    def __init__(
        self, tickets: Sequence[Candidate], queue: queues.Queue, now: datetime.datetime
    ) -> None:
        self._queue = queue
        self._now = now
        self._order = sorted(tickets, key=lambda t: (t.rating, t.queued_at, t.ticket))
        self._place = {t.ticket: i for i, t in enumerate(self._order)}
        self._possible = [frozenset(regions.possible(t, queue)) for t in self._order]
        self._down = [i - 1 for i in range(len(self._order))]
        self._up = [i + 1 for i in range(len(self._order))]
        self._taken = [False] * len(self._order)

    def is_taken(self, ticket: Candidate) -> bool:
        return self._taken[self._place[ticket.ticket]]

    def gather(self, seed: Candidate) -> _Group:
        """The seed and the nearest that can play with it and with one another.

        The window is that of the oldest member, who need not be the seed: one that found too few
        around itself may still join a younger one's group, if all of it lies within its own reach.
        """
        members = [seed]
        oldest = seed
        possible = self._possible[self._place[seed.ticket]]
        if not possible:
            return _Group((seed,), ())
        for index in self._outwards(seed, self._reach(seed)):
            if len(members) == self._queue.seats:
                break
            other = self._order[index]
            common = possible & self._possible[index]
            anchor = min(oldest, other, key=_by_age)
            if common and self._holds(anchor, [*members, other]):
                possible = common
                oldest = anchor
                members.append(other)
        return _Group(tuple(members), tuple(r for r in self._queue.regions if r in possible))

    def _reach(self, ticket: Candidate) -> int:
        return tolerance(self._queue.window, _wait_s(ticket, self._now))

    def _holds(self, oldest: Candidate, members: Sequence[Candidate]) -> bool:
        reach = self._reach(oldest)
        return all(abs(m.rating - oldest.rating) <= reach for m in members)

    def take(self, members: Sequence[Candidate]) -> None:
        for member in members:
            index = self._place[member.ticket]
            self._taken[index] = True
            down, up = self._down[index], self._up[index]
            if down >= 0:
                self._up[down] = up
            if up < len(self._order):
                self._down[up] = down

    def _outwards(self, seed: Candidate, tolerance: int) -> Iterator[int]:
        at = self._place[seed.ticket]
        down, up = self._down[at], self._up[at]
        while True:
            below = seed.rating - self._order[down].rating if down >= 0 else tolerance + 1
            above = self._order[up].rating - seed.rating if up < len(self._order) else tolerance + 1
            if min(below, above) > tolerance:
                return
            if below <= above:
                yield down
                down = self._down[down]
            else:
                yield up
                up = self._up[up]


def _proposal(group: _Group, queue: queues.Queue, *, ranked: bool) -> Proposal:
    # Without a region in reach there is no opponent either: bots at the least bad place.
    among = group.possible or tuple(queue.regions)
    region = regions.best(group.members, queue, among=among)
    return Proposal(region, _seated(group.members, queue), ranked)


def _seated(members: Sequence[Candidate], queue: queues.Queue) -> tuple[Place, ...]:
    """Humans over the teams by falling rating, there and back, so that team sums are close."""
    teams: list[list[Candidate | None]] = [[] for _ in range(queue.teams)]
    turn = [*range(queue.teams), *reversed(range(queue.teams))]
    by_rating = sorted(members, key=lambda m: (-m.rating, m.queued_at, m.ticket))
    for index, member in enumerate(by_rating):
        teams[turn[index % len(turn)]].append(member)
    for team in teams:
        team.extend([None] * (queue.team_size - len(team)))
    flat = [(team, who) for team, people in enumerate(teams) for who in people]
    return tuple(Place(seat, team, who) for seat, (team, who) in enumerate(flat))
