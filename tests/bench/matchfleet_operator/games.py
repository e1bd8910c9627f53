"""Every game server at once: it agrees to a pod's first match and to no other, as a real one does.

It listens on all loopback addresses, so that each pod of kwok is reached at its own. Which match
each pod agreed to is the truth that claims are held against.
"""

import base64
import contextlib

import msgspec
from aiohttp import web


class _Told(msgspec.Struct):
    aud: str
    match_uid: str


class Games:
    """The control port of all servers; `playing` has the match of each pod, by their uids."""

    def __init__(self) -> None:
        self.playing: dict[str, str] = {}
        self.conflicts = 0
        """How often a server was asked for a second match."""
        self.port = 0

    async def serve(self, stack: contextlib.AsyncExitStack) -> None:
        """Listens until the stack is closed."""
        served = web.Application()
        served.router.add_post("/v1/assignment", self._assign)
        runner = web.AppRunner(served, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        # kwok's pods have addresses all over 127.64.0.0/16; the kernel sends them all here.
        await web.TCPSite(runner, "0.0.0.0", 0).start()  # noqa: S104
        self.port = runner.addresses[0][1]

    async def _assign(self, request: web.Request) -> web.Response:
        body = (await request.text()).split(".")[1]
        told = msgspec.json.decode(
            base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Told
        )
        playing = self.playing.setdefault(told.aud, told.match_uid)
        if playing != told.match_uid:
            self.conflicts += 1
        return web.json_response(
            {"match_uid": playing, "pod_uid": told.aud},
            status=200 if playing == told.match_uid else 409,
        )
