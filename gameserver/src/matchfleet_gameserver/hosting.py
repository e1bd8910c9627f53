"""Hosts the match of this server: brings its players, its bots and its clock together.

It owns the order of things within a tick: the bots' turn, the players' inputs, the game's step,
events, snapshots. Whatever the game raises ends the match here, as GameFailed, with a word to
everybody.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

import msgspec
import structlog

from matchfleet_contracts import wire
from matchfleet_contracts.clock import Clock
from matchfleet_contracts.ids import MatchUid, Seat
from matchfleet_contracts.resources import Reason
from matchfleet_contracts.results import Result
from matchfleet_contracts.wire import codec
from matchfleet_gameserver import (
    admission,
    assignments,
    bot_seats,
    breaker,
    errors,
    game,
    links,
    match,
    metrics,
    pacing,
    players,
    settings,
    ticker,
    watchdog,
)

log = structlog.get_logger()

_CLOSE_CODES = {
    Reason.DRAINED: wire.CloseCode.DRAINED,
    Reason.GAME_FAILED: wire.CloseCode.INTERNAL,
}
_GC_THRESHOLDS = (50_000, 20, 100)
_MAX_DRAIN_SECONDS = 0xFFFF


class _Pacing(TypedDict):
    achieved_hz: float
    late_ticks: int


class Host:
    """Runs one match from its assignment on; `ended` is called once, with its result.

    It is the links.Door of its players.
    """

    def __init__(
        self,
        assigned: assignments.Assigned,
        *,
        knobs: settings.Settings,
        clock: Clock,
        bots: bot_seats.Provider | None,
        heartbeat: watchdog.Heartbeat,
        ended: Callable[[Result], None],
    ) -> None:
        claims, play = assigned.claims, assigned.play
        self.match = match.Match(
            MatchUid(claims.match_uid),
            claims.spec,
            play,
            max_queued_inputs=knobs.max_queued_inputs,
            now=time.monotonic(),
        )
        self._assigned = assigned
        self._knobs = knobs
        self._clock = clock
        self._provider = bots
        self._heartbeat = heartbeat
        self._ended = ended
        self._players = players.Players(max_reliable_bytes=knobs.max_reliable_bytes)
        self._bots = bot_seats.BotSeats(
            play,
            self.match.seats,
            service=None if bots is None else _breaker(knobs, play.spec.tick_hz),
        )
        self._log = log.bind(match=claims.match, match_uid=claims.match_uid)
        self._event_seq = 0
        self._pace: pacing.Pace | None = None
        self._timer: ticker.Timer | None = None
        self._wake: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether the match ended."""
        return self.match.stage is match.Stage.ENDED

    def open(self) -> None:
        """Begin to wait for players; a match of bots alone begins to play."""
        self._look()

    def drain(self) -> None:
        """Tell the players that the server has to stop, and play on for a while."""
        if self.is_over or self.match.is_draining:
            return
        self.match.drain(within_s=self._knobs.drain_seconds, now=time.monotonic())
        self._log.info("match_draining", seconds=self._knobs.drain_seconds)
        self._players.tell(self._drain_frame())
        self._look()

    def void(self, reason: Reason, message: str) -> Result:
        """The result if the match ended now, void; it does not end. Safe in any thread."""
        return self.match.result(match.Ending(reason, message), **self._pacing())

    # The door of the players; see links.Door.

    def join(
        self, token: links.JoinToken, link: links.Link, connection: wire.ServerConnection
    ) -> links.Seated:
        """See links.Door."""
        try:
            claims = admission.verified(token, self._assigned, now=self._clock.now())
            hold = admission.seated(claims, self.match)
        except errors.JoinRefused as refused:
            metrics.JOINS.labels(outcome=refused.code.name.lower()).inc()
            self._log.info("join_refused", why=str(refused))
            raise
        metrics.JOINS.labels(outcome="seated").inc()
        seat = Seat(claims.seat)
        player = players.Player(seat=seat, hold=hold, link=link, half=connection)
        link.send(connection.admit(admission.welcome(seat, self.match)))
        is_takeover = self._players.add(player)
        self._log.info(
            "player_joined", seat=claims.seat, player=claims.sub, is_takeover=is_takeover
        )
        self._seats_changed()
        if self.match.is_draining:
            self._players.send(player, self._drain_frame())
        self._look()
        return player

    def receive(self, seated: links.Seated, frame: wire.ClientFrame) -> None:
        """See links.Door."""
        match frame:
            case wire.Input():
                metrics.INPUTS.inc(len(frame.inputs))
                dropped = self.match.seats.put(seated.seat, seated.hold, frame)
                metrics.INPUTS_OVERFLOWN.inc(dropped)
            case wire.Ping():
                player = self._players.get(seated.seat)
                if player is not None and player.hold == seated.hold:
                    pong = wire.Pong(nonce=frame.nonce, tick=self.match.tick)
                    self._players.send(player, codec.encode_server(pong))

    def leave(self, seated: links.Seated) -> None:
        """See links.Door."""
        if not self.match.seats.drop(seated.seat, seated.hold):
            return
        self._players.remove(seated.seat)
        self._log.info("player_left", seat=seated.seat)
        if not self.is_over:
            self._seats_changed()

    def _seats_changed(self) -> None:
        metrics.PLAYERS.set(len(self._players))
        self._players.tell(codec.encode_server(self.match.seats.presence()))

    def _drain_frame(self) -> bytes:
        left_s = max(int(self.match.deadline() - time.monotonic()), 0)
        return codec.encode_server(wire.Drain(seconds=min(left_s, _MAX_DRAIN_SECONDS)))

    def _event(self, data: Mapping[str, Any]) -> None:
        self._event_seq += 1
        event = wire.Event(seq=self._event_seq, data=dict(data))
        self._players.tell(codec.encode_server(event))

    # The clock.

    def _look(self) -> None:
        """Do what is due now, and look again when something may be."""
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        now = time.monotonic()
        due = self.match.due(now)
        if isinstance(due, match.Ending):
            self._end(due)
        elif isinstance(due, match.Start):
            self._start(now)
        elif self.match.stage is match.Stage.WAITING:
            wait_s = max(self.match.deadline() - now, 0.0)
            self._wake = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _start(self, now: float) -> None:
        self.match.start(now)
        self._log.info("match_started", seats=len(self.match.spec.players))
        # What lives now lives until the end: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        self._event({"type": "started"})
        self._pace = pacing.Pace(
            self.match.play.spec.tick_hz,
            start=time.monotonic(),
            max_catch_up=self._knobs.max_catch_up_ticks,
        )
        self._heartbeat.beat()
        self._timer = ticker.timer(self._on_time)
        self._timer.arm(self._pace.next_at)

    def _on_time(self) -> None:
        """Play the ticks that are due."""
        if self._pace is None or self._timer is None:
            return
        self._heartbeat.beat()
        due = self._pace.due(time.monotonic())
        if due.ticks:
            metrics.LATENESS.observe(due.lateness_s)
            metrics.LATE_TICKS.inc(due.late)
            metrics.SLIPPED_TICKS.inc(due.slipped)
        for _ in range(due.ticks):
            self._tick()
            if self.is_over:
                return
        ending = self.match.due(time.monotonic())
        if isinstance(ending, match.Ending):
            self._end(ending)
        else:
            self._timer.arm(self._pace.next_at)

    def _tick(self) -> None:
        """Play one tick; whatever the game raises ends the match."""
        began = time.monotonic()
        try:
            step = self._step()
            stepped = time.monotonic()
            self._tell(step)
        except Exception as error:  # noqa: BLE001 (a game may raise anything; it is logged)
            self._log.exception("game_failed", tick=self.match.tick)
            self._end(match.failed(error))
            return
        metrics.TICKS.inc()
        metrics.STEP.observe(stepped - began)
        metrics.SEND.observe(time.monotonic() - stepped)
        if step.ending is not None:
            self._end(step.ending)

    def _step(self) -> match.Step:
        turn = self._bots.turn(self.match.tick + 1)
        metrics.BOTS_MISSED.inc(turn.missed)
        if turn.ask is not None and self._provider is not None:
            spec = self.match.play.spec
            deadline_s = spec.decision_delay / spec.tick_hz * self._knobs.bot_deadline_ratio
            self._provider.ask(turn.ask, deadline_s=deadline_s, answer=self._bots.answer)
        return self.match.step(turn.inputs)

    def _tell(self, step: match.Step) -> None:
        for event in step.events:
            self._event(event.data)
        for seat, reason in step.rejected:
            self._rejected(seat, reason)
        spec = self.match.play.spec
        is_due = self.match.tick % (spec.tick_hz // spec.snapshot_hz) == 0
        if is_due or step.ending is not None:
            self._players.show(self.match.tick, self._view, self.match.seats)

    def _view(self, seat: Seat) -> bytes:
        return self.match.play.view(game.Audience(seat))

    def _rejected(self, seat: Seat, reason: str) -> None:
        metrics.INPUTS_REJECTED.inc()
        player = self._players.get(seat)
        if player is None or not player.half.is_open:
            return
        if self.match.seats[seat].rejected >= self._knobs.max_rejected_inputs:
            players.refuse(player, wire.CloseCode.KICKED, reason)

    # The end.

    def _end(self, ending: match.Ending) -> None:
        """End the match: tell everybody, then hand on its result."""
        self._heartbeat.rest()
        if self._timer is not None:
            self._timer.close()
            self._timer = None
        result = self._result(ending)
        self.match.end()
        metrics.ENDINGS.labels(reason=result.reason or "completed").inc()
        self._log.info(
            "match_ended", reason=result.reason, message=result.message, ticks=result.ticks
        )
        code = wire.CloseCode.ENDED
        if result.reason is not None:
            code = _CLOSE_CODES.get(result.reason, code)
        end = wire.End(is_provisional=True, result=msgspec.json.encode(result))
        self._players.end(end, code, text=result.message)
        self._ended(result)

    def _result(self, ending: match.Ending) -> Result:
        try:
            return self.match.result(ending, **self._pacing())
        except Exception as error:  # noqa: BLE001 (a game may raise anything; it is logged)
            self._log.exception("game_failed", tick=self.match.tick)
            return self.match.result(match.failed(error), **self._pacing())

    def _pacing(self) -> _Pacing:
        pace = self._pace
        if pace is None:
            return {"achieved_hz": 0.0, "late_ticks": 0}
        return {"achieved_hz": pace.achieved_hz(time.monotonic()), "late_ticks": pace.late_ticks}


def _breaker(knobs: settings.Settings, tick_hz: int) -> breaker.Breaker:
    rest_ticks = int(knobs.bot_rest_seconds * tick_hz)
    return breaker.Breaker(misses_allowed=knobs.bot_misses, rest_ticks=rest_ticks)
