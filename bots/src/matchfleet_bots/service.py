"""Answers `Act` of `matchfleet.bot.v1`: one action for each observation of a batch.

It keeps nothing between two questions, so that any replica may answer any of them.
"""

import time

import grpc

from matchfleet_bots import catalogue, errors, metrics
from matchfleet_contracts.botv1 import bot_pb2, bot_pb2_grpc

MAX_OBSERVATIONS = 255


class BotService(bot_pb2_grpc.BotServiceServicer):
    """The servicer; what is wrong with a question is told to who asked, as INVALID_ARGUMENT."""

    async def Act(  # noqa: N802 (the method's name is the protocol's)
        self,
        request: bot_pb2.ActRequest,
        context: grpc.aio.ServicerContext[bot_pb2.ActRequest, bot_pb2.ActResponse],
    ) -> bot_pb2.ActResponse:
        """See bot.proto."""
        began = time.perf_counter()
        try:
            response = answer(request)
        except errors.RequestInvalid as error:
            metrics.QUESTIONS.labels(outcome="invalid").inc()
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        metrics.QUESTIONS.labels(outcome="answered").inc()
        metrics.ACTIONS.labels(game=request.game).inc(len(response.actions))
        metrics.SECONDS.observe(time.perf_counter() - began)
        return response


def answer(request: bot_pb2.ActRequest) -> bot_pb2.ActResponse:
    """The actions for a batch.

    Raises:
        errors.RequestInvalid: the batch, or one observation in it, cannot be answered.
    """
    if len(request.observations) > MAX_OBSERVATIONS:
        raise errors.RequestInvalid(f"a batch has at most {MAX_OBSERVATIONS} observations")
    entry = catalogue.entry_of(request.game)
    return bot_pb2.ActResponse(
        actions=[
            bot_pb2.Action(seat=seen.seat, action=catalogue.action(entry, seen.bot, seen.values))
            for seen in request.observations
        ]
    )
