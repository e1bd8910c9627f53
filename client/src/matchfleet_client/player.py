"""One player from login to rating: the steps, each of which a program may also take by itself.

async with player.entering(carrier, base_url, name="Ada") as ada:
    ticket = await ada.queue("airhockey", "blitz", {"eu": 20})
    match = await ada.matched(ticket)
    await ada.play(match, policies.policy("airhockey", "strong"))
    match = await ada.recorded(match.id)
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable

from matchfleet_client import (
    api,
    backoff,
    channel,
    ear,
    errors,
    game,
    models,
    notices,
    policies,
    sockets,
    transport,
)
from matchfleet_contracts.ids import MatchId, TicketId

CHANNEL_WITHIN_S = 5.0
LOST_TICKETS = frozenset({"cancelled", "expired"})
GONE = 410
REJOIN = backoff.Backoff(first_s=0.1, most_s=2.0, tries=None)


class Player:
    """A logged-in player with an open ear."""

    def __init__(self, rest: api.Api, listener: ear.Ear, *, dial: sockets.Dial) -> None:
        self.api = rest
        self.ear = listener
        self._dial = dial

    @property
    def login(self) -> models.Login:
        """Who this is."""
        return self.api.login

    async def queue(self, game_id: str, mode: str, rtt_ms: dict[str, int]) -> models.Ticket:
        """Join a queue."""
        return await self.api.open_ticket(game=game_id, mode=mode, rtt_ms=rtt_ms)

    async def matched(self, ticket: TicketId, *, within_s: float = 120.0) -> models.Match:
        """The match made of a ticket, once its server is ready.

        Raises:
            errors.TicketLost: the ticket was cancelled or has expired.
        """

        async def check() -> models.Match | None:
            found = await self.api.ticket(ticket)
            if found.state in LOST_TICKETS:
                raise errors.TicketLost(ticket, found.state)
            if found.match_id is None:
                return None
            match = await self.api.match(found.match_id)
            # One that failed before it was Ready puts the ticket back into the queue. One that was
            # Ready may be over already, for a client that was away.
            return match if match.state == "ready" or found.state == "matched" else None

        return await self.ear.until(check, what="a match", within_s=within_s)

    async def play(
        self,
        match: MatchId,
        policy: policies.Policy,
        *,
        seen: Callable[[game.Seen], None] = lambda _: None,
    ) -> game.Over | None:
        """Play until the server says that it is over; None when the match ended without a word.

        A broken connection is made again with a fresh join token, and the seat taken over.
        """
        waits = backoff.waits(REJOIN, rng=random.Random())
        while True:
            try:
                join = await self.api.join(match)
                return await game.play(join, policy, dial=self._dial, seen=seen)
            except errors.Conflict:
                if (await self.api.match(match)).is_ended:
                    return None
            except errors.Refused as refused:
                if refused.status == GONE:
                    return None
                raise
            except (errors.Unreachable, sockets.Closed):
                if (await self.api.match(match)).is_ended:
                    return None
            await asyncio.sleep(next(waits))

    async def recorded(self, match: MatchId, *, within_s: float = 60.0) -> models.Match:
        """The match once its end is recorded, with ratings when it moved any."""

        async def check() -> models.Match | None:
            found = await self.api.match(match)
            return found if found.is_ended else None

        return await self.ear.until(
            check, what="the end of the match on record", within_s=within_s, look_every_s=0.25
        )


@contextlib.asynccontextmanager
async def entering(
    carrier: transport.Transport,
    base_url: str,
    *,
    name: str | None = None,
    password: str | None = None,
    dial: sockets.Dial = sockets.dial,
) -> AsyncIterator[Player]:
    """A player who is logged in and listens to the channel while the block lasts.

    Args:
        carrier: what carries REST requests.
        base_url: the API's address, beside which the channel is.
        name: the name to show; with a password, that of the new account.
        password: makes an account with it, instead of a guest.
        dial: how WebSockets are opened.
    """
    rest = api.Api(carrier)
    if password is not None and name is not None:
        await rest.register(name, password)
    else:
        await rest.login_guest(name)
    listener = ear.Ear()

    async def token(is_refused: bool) -> str:
        if is_refused:
            await rest.renew(seen=rest.login.access_token)
        return rest.login.access_token

    told = channel.notices_of(channel.url_of(base_url), token=token, dial=dial)
    listening = asyncio.create_task(listener.listen(told))
    try:
        await listener.until_heard(notices.Opened, within_s=CHANNEL_WITHIN_S)
        yield Player(rest, listener, dial=dial)
    finally:
        listening.cancel()
        await asyncio.wait({listening})
        await told.aclose()
