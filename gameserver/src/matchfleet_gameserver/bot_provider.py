"""Asks a bot service for actions, ahead of the tick that needs them.

Nothing here is ever awaited by a tick: a question is a task of its own, and its answer comes back
through a callback, in time or not.
"""

import asyncio
import time

import grpc
import structlog

from matchfleet_contracts.botv1 import bot_pb2, bot_pb2_grpc
from matchfleet_contracts.ids import MatchUid, Seat
from matchfleet_gameserver import bot_seats, metrics

log = structlog.get_logger()

_ROUND_ROBIN = '{"loadBalancingConfig":[{"round_robin":{}}]}'
_OPTIONS = (
    # A headless service has one address for each replica; one connection would pin one of them.
    ("grpc.service_config", _ROUND_ROBIN),
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 5000),
)


class GrpcBots:
    """A `matchfleet.bot.v1` service."""

    def __init__(self, address: str, *, game: str, match_uid: MatchUid) -> None:
        self._channel = grpc.aio.insecure_channel(f"dns:///{address}", options=_OPTIONS)
        self._stub = bot_pb2_grpc.BotServiceStub(self._channel)
        self._game = game
        self._match_uid = match_uid
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_failure: grpc.StatusCode | None = None

    def ask(self, question: bot_seats.Ask, *, deadline_s: float, answer: bot_seats.Answer) -> None:
        """See bot_seats.Provider."""
        task = asyncio.create_task(self._ask(question, deadline_s, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """See bot_seats.Provider."""
        for task in self._tasks:
            task.cancel()
        await self._channel.close(None)

    async def _ask(
        self, question: bot_seats.Ask, deadline_s: float, answer: bot_seats.Answer
    ) -> None:
        asked_at = time.monotonic()
        try:
            response = await self._stub.Act(self._request(question), timeout=deadline_s)
        except grpc.aio.AioRpcError as error:
            self._failed(error, decisions=len(question.looks))
            return
        except Exception:
            log.exception("bots_failed")
            metrics.BOT_DECISIONS.labels(outcome="failed").inc(len(question.looks))
            return
        self._last_failure = None
        metrics.BOT_SECONDS.observe(time.monotonic() - asked_at)
        actions = {Seat(action.seat): action.action for action in response.actions}
        is_taken = answer(question.tick, actions)
        outcome = "answered" if is_taken else "late"
        metrics.BOT_DECISIONS.labels(outcome=outcome).inc(len(actions))

    def _failed(self, error: grpc.aio.AioRpcError, *, decisions: int) -> None:
        """Count a failure; say it once until it changes, for it may come 15 times a second."""
        metrics.BOT_DECISIONS.labels(outcome="failed").inc(decisions)
        if error.code() is not self._last_failure:
            self._last_failure = error.code()
            log.warning("bots_failed", code=error.code().name, details=error.details())

    def _request(self, question: bot_seats.Ask) -> bot_pb2.ActRequest:
        return bot_pb2.ActRequest(
            game=self._game,
            match_uid=self._match_uid,
            tick=question.tick,
            observations=[
                bot_pb2.Observation(seat=look.seat, bot=look.policy, values=look.values)
                for look in question.looks
            ],
        )
