"""Tells a claimed server what to play: one signed POST, which it may get any number of times.

A server agrees to the first match it is told of and to no other, so a lost answer is asked for
again with the same words. What each answer means for the Match is the planner's to say.
"""

import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import aiohttp
import msgspec

from matchfleet_contracts import keys, tokens
from matchfleet_operator.planning.seen import MatchSeen, PodSeen

CONTENT_TYPE = "application/jwt"
PATH = "/v1/assignment"
MAX_ANSWER_CHARS = 512

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server plays this match."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The server will not; `unplayable` when no server of its kind would."""

    detail: str
    unplayable: bool = False


@dataclass(frozen=True, slots=True)
class Unanswered:
    """There was no answer, or none that says anything."""

    detail: str


Answer = Accepted | Declined | Unanswered


class Assigner(Protocol):
    """Gets a server's agreement to a match."""

    async def assign(self, pod: PodSeen, match: MatchSeen, *, now: datetime.datetime) -> Answer:
        """Asks once; never raises for what the server or the network does."""
        ...


class _Kept(Generic[T]):
    """What a file says, read again when the file is another one or was written to."""

    def __init__(self, path: Path, read: Callable[[bytes], T]) -> None:
        self._path = path
        self._read = read
        self._stamp: tuple[int, int, int] | None = None
        self._value: T | None = None

    def now(self) -> T:
        found = self._path.stat()
        stamp = (found.st_ino, found.st_mtime_ns, found.st_size)
        if self._value is None or stamp != self._stamp:
            self._value, self._stamp = self._read(self._path.read_bytes()), stamp
        return self._value


class KeyFiles:
    """Where the keys lie. They are looked at for each assignment, for they are rotated in place."""

    def __init__(self, *, signing: Path, api_public: Path) -> None:
        self.signing = signing
        self.api_public = api_public
        self._signing = _Kept(signing, lambda text: keys.decode_private(text)[0])
        self._api_jwks = _Kept(api_public, bytes.decode)

    def signing_key(self) -> keys.SigningKey:
        """The key that signs assignments now."""
        return self._signing.now()

    def api_jwks(self) -> str:
        """The public keys of `api` now, as a JWK set."""
        return self._api_jwks.now()


class HttpAssigner:
    """Assigns over HTTP to the pod's own address."""

    def __init__(self, session: aiohttp.ClientSession, files: KeyFiles, *, timeout_s: float):
        self._session = session
        self._files = files
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def assign(self, pod: PodSeen, match: MatchSeen, *, now: datetime.datetime) -> Answer:
        """Posts the assignment and waits for the server's answer."""
        try:
            token = self._token(pod, match, now=now)
            async with self._session.post(
                f"http://{_host(pod.ip)}:{pod.control_port}{PATH}",
                data=token,
                headers={"Content-Type": CONTENT_TYPE},
                timeout=self._timeout,
            ) as response:
                text = await response.text()
                return _answer(response.status, text, match)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Unanswered(f"{type(error).__name__}: {error}")

    def _token(self, pod: PodSeen, match: MatchSeen, *, now: datetime.datetime) -> str:
        issued = int(now.timestamp())
        claims = tokens.AssignmentClaims(
            aud=pod.uid,
            iat=issued,
            exp=issued + tokens.ASSIGNMENT_SECONDS,
            jti=str(uuid.uuid4()),
            match=match.name,
            match_uid=match.uid,
            spec=match.spec,
            api_jwks=self._files.api_jwks(),
        )
        return tokens.sign(claims, self._files.signing_key())


def _answer(status: int, text: str, match: MatchSeen) -> Answer:
    said = text[:MAX_ANSWER_CHARS]
    match status:
        case 200:
            agreed = _field(text, "match_uid")
            if agreed == match.uid:
                return Accepted()
            return Declined(f"the server agreed to match {agreed} instead")
        case 409:
            return Declined(f"the server plays match {_field(text, 'match_uid')}")
        case 401:
            return Declined("the server does not accept the operator's signature")
        case 422:
            return Declined(_field(text, "detail") or said, unplayable=True)
        case _:
            return Unanswered(f"HTTP {status}: {said}")


def _field(text: str, name: str) -> str:
    try:
        return str(msgspec.json.decode(text, type=dict[str, object]).get(name, ""))
    except msgspec.DecodeError:
        return ""


def _host(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip


def open_session() -> aiohttp.ClientSession:
    """A session for `HttpAssigner`, to be closed by who opens it.

    Each server is told once, so its connection is not kept for a second time.
    """
    connector = aiohttp.TCPConnector(force_close=True, happy_eyeballs_delay=None)
    return aiohttp.ClientSession(connector=connector)
