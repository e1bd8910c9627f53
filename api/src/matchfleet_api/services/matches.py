"""Matches as players see them, and the right to a seat.

A match that is over changes no more and is remembered for long; one that is not is remembered for a
moment only, because its end is written by ranking after the operator's event has passed us.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field

from matchfleet_adapters.kubernetes import matches as kube
from matchfleet_adapters.postgres import matches, pool
from matchfleet_adapters.redis import cache
from matchfleet_api import errors, keyring, schemas
from matchfleet_contracts import clock, ids, tokens
from matchfleet_contracts.ids import MatchId, PlayerId, Seat

KIND = "match"
LIVE_MS = 500
ENDED_MS = 600_000


@dataclass(frozen=True, slots=True)
class Join:
    """Where to connect, and the token for one seat."""

    url: str
    token: str = field(repr=False)
    seat: Seat
    expires_at: datetime.datetime


class Matches:
    """Reads matches and lets players join them."""

    def __init__(
        self,
        database: pool.Database,
        remembered: cache.Cache,
        cluster: kube.Matches,
        *,
        ring: keyring.Keyring,
        now: clock.Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._cache = remembered
        self._cluster = cluster
        self._ring = ring
        self._clock = now
        self._new_id = new_id

    async def get(self, match: MatchId) -> bytes:
        """The JSON of a `schemas.MatchOut`.

        Raises:
            errors.NoSuch: there is no such match.
        """

        async def load() -> tuple[bytes, int]:
            found = await self.read(match)
            keep_ms = LIVE_MS if found.ended_at is None else ENDED_MS
            return found.model_dump_json().encode(), keep_ms

        return await self._cache.cached(cache.Subject(KIND, match), load)

    async def read(self, match: MatchId) -> schemas.MatchOut:
        """The match as PostgreSQL has it.

        Raises:
            errors.NoSuch: there is no such match.
        """
        async with self._database.connection() as connection:
            found = await matches.get(connection, match)
            if found is None:
                raise errors.NoSuch("match")
            return await self._out(connection, found)

    async def live_of(self, player: PlayerId) -> schemas.MatchOut:
        """The match that a player sits in.

        Raises:
            errors.NoLiveMatch: none.
        """
        async with self._database.connection() as connection:
            match = await matches.live_of_player(connection, player)
            found = None if match is None else await matches.get(connection, match)
            if found is None:
                raise errors.NoLiveMatch
            return await self._out(connection, found)

    async def of_player(self, player: PlayerId, *, limit: int) -> list[schemas.MatchOut]:
        """A player's matches, newest first; none for a player that does not exist."""
        async with self._database.connection() as connection:
            found = await matches.of_player(connection, player, limit=limit)
            return [await self._out(connection, match) for match in found]

    async def join(self, match: MatchId, *, player: PlayerId) -> Join:
        """The right to one's own seat, for a minute and once.

        Raises:
            errors.NoSuch: there is no such match.
            errors.NotInMatch: the player has no seat in it.
            errors.MatchOver: it ended.
            errors.NotReady: it has no server yet.
        """
        async with self._database.connection() as connection:
            found = await matches.get(connection, match)
            if found is None:
                raise errors.NoSuch("match")
            seated = await matches.seat_of(connection, match, player_id=player)
        if seated is None:
            raise errors.NotInMatch
        if found.state.is_ended:
            raise errors.MatchOver
        if not (found.state is matches.MatchState.READY and found.uid and found.pod_uid):
            raise errors.NotReady
        seat, name = seated
        now_s = int(self._clock.now().timestamp())
        expires_s = now_s + tokens.JOIN_SECONDS
        claims = tokens.JoinClaims(
            sub=player,
            aud=tokens.join_audience(found.uid, found.pod_uid),
            iat=now_s,
            exp=expires_s,
            jti=self._new_id(),
            seat=seat,
            name=name,
        )
        return Join(
            url=found.url or "",
            token=tokens.sign(claims, self._ring.current().signing),
            seat=seat,
            expires_at=datetime.datetime.fromtimestamp(expires_s, datetime.UTC),
        )

    async def cancel(self, match: MatchId) -> None:
        """Ask for the end of a match; its terminal event tells when it came.

        Raises:
            errors.NoSuch: there is no such match.
            errors.MatchOver: it ended.
            errors.NotReady: its resource is not there yet.
            matchfleet_adapters.errors.Unavailable: Kubernetes does not answer.
        """
        async with self._database.connection() as connection:
            found = await matches.get(connection, match)
        if found is None:
            raise errors.NoSuch("match")
        if found.state.is_ended:
            raise errors.MatchOver
        if found.state is matches.MatchState.REQUESTED:
            raise errors.NotReady
        await self._cluster.cancel(ids.match_name(match))

    @staticmethod
    async def _out(connection: pool.Connection, found: matches.Match) -> schemas.MatchOut:
        seats = await matches.seats(connection, found.id)
        changes = await matches.rating_changes(connection, found.id)
        return schemas.MatchOut(
            id=found.id,
            game=found.game,
            mode=found.mode,
            region=found.region,
            ranked=found.ranked,
            state=found.state.value,
            reason=found.reason,
            message=found.message,
            url=found.url,
            seats=[
                schemas.SeatOut(
                    seat=s.seat, team=s.team, player_id=s.player_id, name=s.name, bot=s.bot
                )
                for s in seats
            ],
            result=None if found.result is None else dict(found.result),
            ratings=[
                schemas.RatingChangeOut(player_id=c.player_id, before=c.before, after=c.after)
                for c in changes
            ],
            requested_at=found.requested_at,
            ready_at=found.ready_at,
            ended_at=found.ended_at,
        )
