"""One connection of the channel: origin, login, pushes, and the reasons to end it.

A browser sends its page's origin, which must be one that we know; other clients send none. The
connection ends when its token does, because nothing else would ever end a stolen one.
"""

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass

import msgspec
import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect

from matchfleet_api import access, errors, metrics
from matchfleet_api.channel import hub, messages
from matchfleet_contracts import clock, tokens
from matchfleet_contracts.ids import PlayerId

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """Bounds of a connection; `origins` are whole origins, `*` allows any."""

    login_timeout_s: float = 5.0
    send_timeout_s: float = 10.0
    origins: frozenset[str] = frozenset()
    max_message_chars: int = 8_192


class Channel:
    """Serves connections."""

    def __init__(
        self,
        connected: hub.Hub,
        issuer: access.AccessTokens,
        *,
        now: clock.Clock,
        settings: ChannelSettings,
    ) -> None:
        self._hub = connected
        self._issuer = issuer
        self._clock = now
        self._settings = settings

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection to its end."""
        if messages.SUBPROTOCOL not in socket.scope.get("subprotocols", ()):
            # Before it is accepted, a close is an HTTP 403: there is no protocol to tell more in.
            await socket.close()
            return
        await socket.accept(messages.SUBPROTOCOL)
        code = await self._conversation(socket)
        if code is not None:
            metrics.CHANNELS_CLOSED.labels(str(code.value)).inc()
            with contextlib.suppress(RuntimeError, WebSocketDisconnect):
                await socket.close(code.value, code.name.lower().replace("_", " "))

    async def _conversation(self, socket: WebSocket) -> messages.Close | None:
        """Why we end the connection, None when the client did."""
        if not self._is_known(socket.headers.get("origin")):
            return messages.Close.BAD_ORIGIN
        try:
            async with asyncio.timeout(self._settings.login_timeout_s):
                claims = await self._login(socket)
        except TimeoutError:
            return messages.Close.LOGIN_TIMEOUT
        except WebSocketDisconnect:
            return None
        if claims is None:
            return messages.Close.BAD_LOGIN
        connection = self._hub.join(PlayerId(claims.sub))
        try:
            connection.say(messages.hello(claims.sub))
            return await self._until_something_ends(socket, connection, claims)
        finally:
            self._hub.leave(connection)

    def _is_known(self, origin: str | None) -> bool:
        known = self._settings.origins
        return origin is None or "*" in known or origin in known

    async def _login(self, socket: WebSocket) -> tokens.AccessClaims | None:
        said = await self._hear(socket)
        if not isinstance(said, messages.Login):
            return None
        try:
            return self._issuer.check(said.token)
        except errors.Unauthenticated:
            return None

    async def _hear(self, socket: WebSocket) -> messages.FromClient | None:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        if text is None or len(text) > self._settings.max_message_chars:
            return None
        try:
            return messages.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return None

    async def _until_something_ends(
        self, socket: WebSocket, connection: hub.Connection, claims: tokens.AccessClaims
    ) -> messages.Close | None:
        left_s = max(0.0, claims.exp - self._clock.now().timestamp())
        ends = {
            asyncio.create_task(self._listen(socket, connection)),
            asyncio.create_task(self._send(socket, connection)),
            asyncio.create_task(_after(connection.is_slow.wait(), messages.Close.SLOW)),
            asyncio.create_task(_after(self._hub.is_closing.wait(), messages.Close.GOING_AWAY)),
            asyncio.create_task(_after(asyncio.sleep(left_s), messages.Close.BAD_LOGIN)),
        }
        done, others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return next(iter(done)).result()

    async def _listen(self, socket: WebSocket, connection: hub.Connection) -> messages.Close | None:
        while True:
            try:
                said = await self._hear(socket)
            except WebSocketDisconnect:
                return None
            if not isinstance(said, messages.Ping):
                return messages.Close.BAD_MESSAGE
            connection.say(messages.PONG)

    async def _send(self, socket: WebSocket, connection: hub.Connection) -> messages.Close | None:
        while True:
            text = await connection.next_text()
            try:
                async with asyncio.timeout(self._settings.send_timeout_s):
                    await socket.send_text(text)
            except TimeoutError:
                return messages.Close.SLOW
            except (WebSocketDisconnect, RuntimeError, OSError):
                return None


async def _after(waiting: Awaitable[object], code: messages.Close) -> messages.Close:
    await waiting
    return code
