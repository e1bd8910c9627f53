"""Runs a game server: opens its two doors, waits for its match to end, and closes them."""

import asyncio
import datetime
import signal

import structlog

from matchfleet_contracts.ids import MatchUid
from matchfleet_gameserver import (
    bot_seats,
    control,
    lifecycle,
    registry,
    settings,
    termination,
    transport,
)

log = structlog.get_logger()


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime.datetime:
        """The time now, in UTC."""
        return datetime.datetime.now(tz=datetime.UTC)  # noqa: TID251 (this is the shell)


async def run(knobs: settings.Settings) -> int:
    """Run until there is nothing to stay for; the exit code.

    Raises:
        errors.GameUnknown, errors.GameBroken: the game cannot be loaded.
        OSError: an address cannot be bound.
    """
    kind = registry.load(knobs.game)
    message = termination.Message(knobs.termination_log)
    server = lifecycle.Server(
        kind,
        knobs=knobs,
        clock=SystemClock(),
        bots_of=_bots_at(knobs.bots_address),
        message=message,
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    async with (
        control.listening(control.Control(server, knobs), knobs) as control_port,
        transport.Listener(server, knobs).listening() as game_port,
    ):
        server.is_listening = True
        log.info("server_idle", game=knobs.game, game_port=game_port, control_port=control_port)
        code = await server.left()
    log.info("server_left", exit_code=code)
    return code


def _bots_at(address: str) -> lifecycle.BotsOf:
    def bots_of(game: str, match_uid: MatchUid) -> bot_seats.Provider | None:
        if not address:
            return None
        # gRPC takes a fifth of a second and 20 MB to import: only where bots are served.
        from matchfleet_gameserver import bot_provider  # noqa: PLC0415

        return bot_provider.GrpcBots(address, game=game, match_uid=match_uid)

    return bots_of
