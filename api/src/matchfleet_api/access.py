"""Access tokens: made at a login, checked at every request, remembered while they are good.

Checking a signature costs more than the rest of a request, so a token that was good is remembered
by its digest until it expires. Tokens that were not good are not remembered: anybody can make them.
"""

import datetime
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog

from matchfleet_api import errors, keyring
from matchfleet_contracts import clock, tokens
from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts.ids import PlayerId

log = structlog.get_logger(__name__)
_REMEMBERED = 20_000


class AccessTokens:
    """Makes and checks access tokens with the keys of a ring."""

    def __init__(
        self, ring: keyring.Keyring, *, now: clock.Clock, new_id: Callable[[], str]
    ) -> None:
        self._ring = ring
        self._clock = now
        self._new_id = new_id
        self._good: OrderedDict[bytes, tokens.AccessClaims] = OrderedDict()

    def issue(self, player: PlayerId, roles: Sequence[str]) -> str:
        """A token for a player who has just proved who it is."""
        now_s = int(self._clock.now().timestamp())
        claims = tokens.AccessClaims(
            sub=player,
            aud=tokens.ACCESS_AUDIENCE,
            iat=now_s,
            exp=now_s + tokens.ACCESS_SECONDS,
            jti=self._new_id(),
            roles=list(roles),
        )
        return tokens.sign(claims, self._ring.current().signing)

    def check(self, token: str) -> tokens.AccessClaims:
        """Who a token says its bearer is.

        Raises:
            errors.Unauthenticated: we do not accept it; why is logged.
        """
        now = self._clock.now()
        keys = self._ring.current()
        # A key that was taken out of the ring takes its tokens with it: the ring is in the digest.
        digest = hashlib.sha256(keys.jwks + token.encode("utf-8", "surrogatepass")).digest()
        claims = self._good.get(digest)
        if claims is not None and claims.exp > now.timestamp():
            return claims
        claims = self._verify(token, keys, now)
        self._good[digest] = claims
        while len(self._good) > _REMEMBERED:
            self._good.popitem(last=False)
        return claims

    @staticmethod
    def _verify(token: str, keys: keyring.Keys, now: datetime.datetime) -> tokens.AccessClaims:
        try:
            claims = tokens.verify(
                token,
                tokens.AccessClaims,
                public=keys.public,
                audience=tokens.ACCESS_AUDIENCE,
                now=now,
            )
            _check_life(claims)
        except contract_errors.TokenInvalid as error:
            log.info("access_token_refused", reason=str(error))
            raise errors.Unauthenticated from error
        return claims


def _check_life(claims: tokens.AccessClaims) -> None:
    if claims.exp - claims.iat > tokens.ACCESS_SECONDS:
        raise contract_errors.TokenInvalid("lives longer than we let tokens live")
