"""Accounts: guests and names with a password; logins as families of refresh tokens."""

import datetime
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import structlog

from matchfleet_adapters.postgres import accounts, outbox, pool
from matchfleet_api import access, errors, metrics, passwords, throttle
from matchfleet_contracts import clock, events, tokens
from matchfleet_contracts.ids import EventId, PlayerId

log = structlog.get_logger(__name__)
SOURCE = "/api"
_REFRESH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Login:
    """What a player gets who proved who it is."""

    player: accounts.Player
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int = tokens.ACCESS_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLimits:
    """How often accounts may be tried a minute, and how long a login lasts without use."""

    guests_per_address: int = 120
    registrations_per_address: int = 30
    logins_per_account: int = 10
    logins_per_address: int = 60
    refresh_days: int = 30


class Accounts:
    """Registers, logs in, refreshes and logs out."""

    def __init__(
        self,
        database: pool.Database,
        *,
        issuer: access.AccessTokens,
        hasher: passwords.Passwords,
        gate: throttle.Throttle,
        now: clock.Clock,
        new_id: Callable[[], str],
        limits: AccountLimits,
    ) -> None:
        self._database = database
        self._issuer = issuer
        self._hasher = hasher
        self._gate = gate
        self._clock = now
        self._new_id = new_id
        self._limits = limits

    async def guest(self, name: str | None, *, address: str) -> Login:
        """An account without a password.

        Raises:
            errors.Throttled: too many from this address.
        """
        await self._gate.admit(throttle.Limit("guest", self._limits.guests_per_address), address)
        player = PlayerId(self._new_id())
        shown = name or f"Guest {player[-6:]}"
        return await self._register(player, shown, accounts.PlayerKind.GUEST, None)

    async def register(self, name: str, password: str, *, address: str) -> Login:
        """An account with a login name and a password.

        Raises:
            errors.NameTaken: somebody has it, in whatever case it is written.
            errors.Throttled: too many from this address.
        """
        await self._gate.admit(
            throttle.Limit("register", self._limits.registrations_per_address), address
        )
        password_hash = await self._hasher.hashed(password)
        player = PlayerId(self._new_id())
        try:
            return await self._register(player, name, accounts.PlayerKind.PASSWORD, password_hash)
        except asyncpg.UniqueViolationError as error:
            raise errors.NameTaken(name) from error

    async def log_in(self, name: str, password: str, *, address: str) -> Login:
        """A new login of an account with a password.

        Raises:
            errors.WrongCredentials: no such name and password.
            errors.Throttled: too many for this account or from this address.
        """
        login = name.lower()
        limits = self._limits
        await self._gate.admit(throttle.Limit("login", limits.logins_per_address), address)
        await self._gate.admit(
            throttle.Limit("login_account", limits.logins_per_account), login, address
        )
        async with self._database.connection() as connection:
            kept = await accounts.credentials(connection, login)
        is_right = await self._hasher.is_right(password, kept.password_hash if kept else None)
        if kept is None or not is_right:
            metrics.LOGINS.labels("password", "wrong").inc()
            raise errors.WrongCredentials
        await self._strengthen(kept, password)

        async def work(connection: pool.Connection) -> Login:
            found = await accounts.player(connection, kept.player_id)
            if found is None:
                raise errors.WrongCredentials
            return await self._begin(connection, found)

        login_made = await self._database.transaction(work)
        metrics.LOGINS.labels("password", "right").inc()
        return login_made

    async def refresh(self, refresh_token: str) -> Login:
        """The next tokens of a login; the refresh token is used up.

        Raises:
            errors.RefreshRefused: it is not good; if it was used before, its whole login ends.
        """
        now = self._clock.now()

        async def work(connection: pool.Connection) -> Login | None:
            outcome, owner, family = await accounts.use_refresh(
                connection, _hash(refresh_token), at=now
            )
            if outcome is accounts.Refreshed.REUSED:
                log.warning("refresh_token_reused", family=family)
                metrics.LOGINS.labels("refresh", "reused").inc()
            if outcome is not accounts.Refreshed.USED or owner is None:
                return None
            found = await accounts.player(connection, owner)
            return None if found is None else await self._continue(connection, found, family)

        # A refusal is returned and not raised: the revocation after a reuse must be committed.
        login = await self._database.transaction(work)
        if login is None:
            raise errors.RefreshRefused
        return login

    async def log_out(self, refresh_token: str) -> None:
        """End the login of a refresh token; one that we do not know ends nothing."""
        now = self._clock.now()

        async def work(connection: pool.Connection) -> None:
            await accounts.revoke(connection, _hash(refresh_token), at=now)

        await self._database.transaction(work)

    async def _register(
        self,
        player: PlayerId,
        name: str,
        kind: accounts.PlayerKind,
        password_hash: str | None,
    ) -> Login:
        now = self._clock.now()
        registered = events.event(
            events.PlayerRegistered(player=player, kind=kind.value),
            event_id=EventId(f"{player}/registered"),
            source=SOURCE,
            at=now,
            subject=player,
        )

        async def work(connection: pool.Connection) -> Login:
            made = await accounts.insert_player(connection, player, name=name, kind=kind, at=now)
            if password_hash is not None:
                await accounts.insert_credentials(
                    connection, player, login=name.lower(), password_hash=password_hash
                )
            await outbox.insert(connection, [registered])
            return await self._begin(connection, made)

        login = await self._database.transaction(work)
        log.info("player_registered", player=player, kind=kind.value)
        return login

    async def _begin(self, connection: pool.Connection, player: accounts.Player) -> Login:
        return await self._continue(connection, player, self._new_id())

    async def _continue(
        self, connection: pool.Connection, player: accounts.Player, family: str
    ) -> Login:
        now = self._clock.now()
        refresh_token = secrets.token_urlsafe(_REFRESH_BYTES)
        await accounts.insert_refresh(
            connection,
            accounts.RefreshToken(
                token_hash=_hash(refresh_token),
                family=family,
                player_id=player.id,
                issued_at=now,
                expires_at=now + datetime.timedelta(days=self._limits.refresh_days),
            ),
        )
        return Login(player, self._issuer.issue(player.id, player.roles), refresh_token)

    async def _strengthen(self, kept: accounts.Credentials, password: str) -> None:
        if not self._hasher.is_weak(kept.password_hash):
            return
        new_hash = await self._hasher.hashed(password)
        async with self._database.connection() as connection:
            await accounts.rehash(
                connection, kept.player_id, old_hash=kept.password_hash, new_hash=new_hash
            )


def _hash(refresh_token: str) -> bytes:
    return hashlib.sha256(refresh_token.encode("utf-8", "surrogatepass")).digest()
