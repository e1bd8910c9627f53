"""The control ports of game servers, played by a test: one HTTP server for all pods of a namespace.

It agrees to a pod's first match and to no other, as a game server does; it may be told to be silent
or to refuse.
"""

import base64
import contextlib
import datetime
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from matchfleet_contracts import keys, tokens

Object = dict[str, Any]


class Game:
    """The control port of every game server: it agrees to a pod's first match and to no other.

    Attributes:
        playing: which match (uid) each pod (uid) agreed to.
        silent: whether no pod answers.
        unplayable: why no pod can play what it is asked to, if so.
        declines: how many of the pods that are asked next play another match already.
    """

    def __init__(self, public: keys.PublicKeys) -> None:
        self._public = public
        self.playing: dict[str, str] = {}
        self.silent = False
        self.unplayable = ""
        self.heard: Callable[[str, str], Awaitable[bool]] = _at_once
        """Asked, with the uids of pod and match, before an agreement is told; False: it is not."""
        self.declines = 0
        self.port = 0

    async def serve(self, stack: contextlib.AsyncExitStack) -> None:
        served = web.Application()
        served.router.add_post("/v1/assignment", self._assign)
        runner = web.AppRunner(served, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]

    async def _assign(self, request: web.Request) -> web.Response:
        if self.silent:
            return web.Response(status=503)
        if self.unplayable:
            return web.json_response({"detail": self.unplayable}, status=422)
        token = await request.text()
        claims = _unverified(token)
        now = datetime.datetime.now(datetime.UTC)  # noqa: TID251  a shell of its own
        told = tokens.verify(
            token,
            tokens.AssignmentClaims,
            public=self._public,
            audience=str(claims["aud"]),
            now=now,
        )
        if self.declines and told.aud not in self.playing:
            self.declines -= 1
            self.playing[told.aud] = "another"
        playing = self.playing.setdefault(told.aud, told.match_uid)
        if not await self.heard(told.aud, told.match_uid):
            return web.Response(status=503)
        status = 200 if playing == told.match_uid else 409
        return web.json_response({"match_uid": playing, "pod_uid": told.aud}, status=status)


async def _at_once(pod_uid: str, match_uid: str) -> bool:
    return True


def _unverified(token: str) -> Object:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
