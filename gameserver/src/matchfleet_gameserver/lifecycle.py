"""The life of a game server: idle, then one match, then out.

    idle --an assignment--> hosting --the match ends--> leaving --exit 0
      '---told to stop--> exit 0        '--told to stop: drains--'

What may be asked of it in which of these states is decided here.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import structlog

from matchfleet_contracts import wire
from matchfleet_contracts.clock import Clock
from matchfleet_contracts.ids import MatchUid
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Result
from matchfleet_gameserver import (
    assignments,
    bot_seats,
    errors,
    game,
    hosting,
    links,
    operator_keys,
    settings,
    termination,
    watchdog,
)

log = structlog.get_logger()

BotsOf = Callable[[str, MatchUid], bot_seats.Provider | None]
"""Opens the way to the bot service, for a game and a match."""


class Server:
    """One game server. It is the links.Door of every connection, before there is a match too."""

    def __init__(
        self,
        kind: type[game.Game[Any]],
        *,
        knobs: settings.Settings,
        clock: Clock,
        bots_of: BotsOf,
        message: termination.Message,
    ) -> None:
        self._kind = kind
        self._knobs = knobs
        self._clock = clock
        self._bots_of = bots_of
        self._message = message
        self._keys = operator_keys.OperatorKeys(knobs.operator_public_keys)
        self._heartbeat = watchdog.Heartbeat()
        self._watchdog = watchdog.Watchdog(
            self._heartbeat, stall_s=knobs.stall_seconds, on_stall=self._stalled
        )
        self._host: hosting.Host | None = None
        self._match_uid: MatchUid | None = None
        self._bots: bot_seats.Provider | None = None
        self._left = asyncio.Event()
        self._exit_code = 0
        self.is_listening = False

    @property
    def is_ready(self) -> bool:
        """Whether players can connect: idle or hosting, and the listener is up."""
        return self.is_listening and not self._left.is_set()

    @property
    def is_live(self) -> bool:
        """Whether the loop ticks, if it has to."""
        return self._heartbeat.silent_s() <= self._knobs.live_seconds

    def assign(self, token: str) -> MatchUid:
        """Take an assignment; the same one again is as good as once.

        Raises:
            errors.TokenRefused: not an assignment for this pod.
            errors.AlreadyAssigned: it plays another match, or is leaving.
            errors.AssignmentRefused: it cannot play this.
        """
        claims = self._keys.verify(token, pod_uid=self._knobs.pod_uid, now=self._clock.now())
        uid = MatchUid(claims.match_uid)
        if self._match_uid is not None:
            if self._match_uid != uid:
                raise errors.AlreadyAssigned(self._match_uid)
            return uid
        if self._left.is_set():
            raise errors.AssignmentRefused("this server is about to stop")
        assigned = assignments.prepared(claims, self._kind)
        self._match_uid = uid
        log.info(
            "match_assigned",
            match=claims.match,
            match_uid=uid,
            seats=len(claims.spec.players),
            ranked=claims.spec.ranked,
        )
        self._watchdog.start()
        self._bots = self._bots_of(claims.spec.game, uid)
        self._host = hosting.Host(
            assigned,
            knobs=self._knobs,
            clock=self._clock,
            bots=self._bots,
            heartbeat=self._heartbeat,
            ended=self._ended,
        )
        self._host.open()
        return uid

    def stop(self) -> None:
        """Told to stop: leave at once when idle, else let the match end, for a while."""
        log.info("stopping", is_idle=self._host is None)
        if self._host is None:
            self._left.set()
        else:
            self._host.drain()

    async def left(self) -> int:
        """Wait until there is nothing to stay for; the exit code."""
        await self._left.wait()
        if self._bots is not None:
            await self._bots.close()
        if self._match_uid is not None:
            self._watchdog.stop()
        return self._exit_code

    def join(
        self, token: links.JoinToken, link: links.Link, connection: wire.ServerConnection
    ) -> links.Seated:
        """See links.Door."""
        if self._host is None:
            text = "no match is assigned to this server"
            raise errors.JoinRefused(wire.CloseCode.TOKEN_REFUSED, text)
        return self._host.join(token, link, connection)

    def receive(self, seated: links.Seated, frame: wire.ClientFrame) -> None:
        """See links.Door."""
        if self._host is not None:
            self._host.receive(seated, frame)

    def leave(self, seated: links.Seated) -> None:
        """See links.Door."""
        if self._host is not None:
            self._host.leave(seated)

    def _ended(self, result: Result) -> None:
        """Write the result, and leave."""
        try:
            self._message.write(result)
        except OSError:
            log.exception("result_not_written", path=str(self._knobs.termination_log))
            self._exit_code = 1
        self._left.set()

    def _stalled(self, silent_s: float) -> None:
        """In the watchdog's thread: the loop hangs, and nothing else can be done about it."""
        host = self._host
        if host is None:
            return
        text = f"the game did not return from a tick for {silent_s:.1f} s"
        log.error("tick_stalled", match_uid=self._match_uid, silent_s=round(silent_s, 1))
        try:
            self._message.write(host.void(Reason.TICK_STALLED, text))
        except OSError:
            log.exception("result_not_written", path=str(self._knobs.termination_log))
            os._exit(1)
        os._exit(0)
