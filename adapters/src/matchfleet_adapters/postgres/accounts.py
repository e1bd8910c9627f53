"""Players, their passwords, and their logins as families of refresh tokens.

A refresh token is stored as a hash and used once. Using it again means that somebody else holds a
copy, so the whole family ends. Rotation and revocation of one family take turns by a transaction
lock; else a token issued meanwhile would outlive the revocation.
"""

import datetime
import enum
from dataclasses import dataclass, field

import asyncpg

from matchfleet_adapters.postgres import pool, queries
from matchfleet_contracts.ids import PlayerId

_FILE = "accounts"


class PlayerKind(enum.StrEnum):
    """How an account came to be."""

    GUEST = "guest"
    PASSWORD = "password"  # noqa: S105 - a kind of account, not a password


@dataclass(frozen=True, slots=True)
class Player:
    """One account."""

    id: PlayerId
    name: str
    kind: PlayerKind
    roles: tuple[str, ...]
    created_at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login name stands for."""

    player_id: PlayerId
    login: str
    password_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rating:
    """A player's rating in one mode of one game."""

    game: str
    mode: str
    rating: int
    games: int


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token, by the hash that is kept of it."""

    token_hash: bytes = field(repr=False)
    family: str
    player_id: PlayerId
    issued_at: datetime.datetime
    expires_at: datetime.datetime


class Refreshed(enum.Enum):
    """What came of using a refresh token."""

    USED = "used"
    """It was good, and is used up now."""
    REUSED = "reused"
    """It was used before: the family is revoked now."""
    REFUSED = "refused"
    """Unknown, expired or revoked."""


async def insert_player(
    connection: pool.Connection,
    player: PlayerId,
    *,
    name: str,
    kind: PlayerKind,
    at: datetime.datetime,
) -> Player:
    """Make an account."""
    row = await connection.fetchrow(
        queries.query(_FILE, "insert_player"), player, name, kind.value, at
    )
    if row is None:
        raise AssertionError("INSERT ... RETURNING returns the row")
    return _player(row)


async def insert_credentials(
    connection: pool.Connection, player: PlayerId, *, login: str, password_hash: str
) -> None:
    """Give an account a login name.

    Raises:
        asyncpg.UniqueViolationError: the name is taken.
    """
    await connection.execute(
        queries.query(_FILE, "insert_credentials"), player, login, password_hash
    )


async def player(connection: pool.Connection, player_id: PlayerId) -> Player | None:
    """The account with this id."""
    row = await connection.fetchrow(queries.query(_FILE, "player"), player_id)
    return None if row is None else _player(row)


async def credentials(connection: pool.Connection, login: str) -> Credentials | None:
    """What this login name, in lower case, stands for."""
    row = await connection.fetchrow(queries.query(_FILE, "credentials"), login)
    return None if row is None else Credentials(**row)


async def rehash(
    connection: pool.Connection, player_id: PlayerId, *, old_hash: str, new_hash: str
) -> None:
    """Keep a stronger hash of the same password, unless the password changed meanwhile."""
    await connection.execute(queries.query(_FILE, "rehash"), player_id, new_hash, old_hash)


async def ratings(connection: pool.Connection, player_id: PlayerId) -> list[Rating]:
    """A player's ratings, by game and mode."""
    rows = await connection.fetch(queries.query(_FILE, "ratings"), player_id)
    return [Rating(**row) for row in rows]


async def insert_refresh(connection: pool.Connection, token: RefreshToken) -> None:
    """Remember a refresh token that is about to be handed out."""
    await connection.execute(
        queries.query(_FILE, "insert_refresh"),
        token.token_hash,
        token.family,
        token.player_id,
        token.issued_at,
        token.expires_at,
    )


async def use_refresh(
    connection: pool.Connection, token_hash: bytes, *, at: datetime.datetime
) -> tuple[Refreshed, PlayerId | None, str]:
    """Use a refresh token up, in a transaction: what came of it, its player and its family.

    The revocation after a reuse must be committed, so it is told by value and not by an exception.
    """
    family = await connection.fetchval(queries.query(_FILE, "family"), token_hash)
    if family is None:
        return Refreshed.REFUSED, None, ""
    await connection.execute(queries.query(_FILE, "lock_family"), family)
    owner = await connection.fetchval(queries.query(_FILE, "use_refresh"), token_hash, at)
    if owner is not None:
        return Refreshed.USED, owner, family
    if await connection.fetchval(queries.query(_FILE, "is_reused"), token_hash):
        await connection.execute(queries.query(_FILE, "revoke_family"), family, at)
        return Refreshed.REUSED, None, family
    return Refreshed.REFUSED, None, family


async def revoke(connection: pool.Connection, token_hash: bytes, *, at: datetime.datetime) -> None:
    """End the login that this refresh token belongs to; an unknown token ends nothing."""
    family = await connection.fetchval(queries.query(_FILE, "family"), token_hash)
    if family is not None:
        await connection.execute(queries.query(_FILE, "lock_family"), family)
        await connection.execute(queries.query(_FILE, "revoke_family"), family, at)


async def purge_refresh(connection: pool.Connection, *, before: datetime.datetime) -> None:
    """Forget tokens that expired before a time."""
    await connection.execute(queries.query(_FILE, "purge_refresh"), before)


def _player(row: asyncpg.Record) -> Player:
    return Player(
        id=row["id"],
        name=row["name"],
        kind=PlayerKind(row["kind"]),
        roles=tuple(row["roles"]),
        created_at=row["created_at"],
    )
