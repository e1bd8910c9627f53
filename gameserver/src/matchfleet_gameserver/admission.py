"""Whether a player's join token opens a seat of this match, and what the player is told first.

The token is good for one incarnation of the match on this one pod, for one player and seat, and
once. The keys that it is held against came with the assignment.
"""

import datetime

import structlog

from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts import tokens, wire
from matchfleet_contracts.ids import PlayerId, Seat
from matchfleet_gameserver import assignments, errors, links, match, seats

log = structlog.get_logger()


def verified(
    token: links.JoinToken, assigned: assignments.Assigned, *, now: datetime.datetime
) -> tokens.JoinClaims:
    """The claims of a join token for this match on this pod.

    Raises:
        errors.JoinRefused: it is not one; the reason is logged, and not told to its bearer.
    """
    claims = assigned.claims
    try:
        return tokens.verify(
            token,
            tokens.JoinClaims,
            public=assigned.api_keys,
            audience=tokens.join_audience(claims.match_uid, claims.aud),
            now=now,
        )
    except contract_errors.TokenInvalid as error:
        log.info("join_token_invalid", match_uid=claims.match_uid, why=str(error))
        text = "the join token is not valid here: ask for a new one"
        raise errors.JoinRefused(wire.CloseCode.TOKEN_REFUSED, text) from error


def seated(claims: tokens.JoinClaims, of: match.Match) -> seats.Hold:
    """Take the seat that a verified token names.

    Raises:
        errors.JoinRefused: the match is over, the token was used, or the seat is not free.
    """
    if of.stage is match.Stage.ENDED:
        raise errors.JoinRefused(wire.CloseCode.ENDED, "the match is over")
    return of.seats.take(
        Seat(claims.seat), PlayerId(claims.sub), name=claims.name, token_id=claims.jti
    )


def welcome(seat: Seat, of: match.Match) -> wire.Welcome:
    """What a player is told first."""
    spec = of.play.spec
    return wire.Welcome(
        version=wire.VERSION,
        seat=seat,
        tick=of.tick,
        tick_hz=spec.tick_hz,
        snapshot_hz=spec.snapshot_hz,
        game=spec.name,
        config=of.spec.config,
    )
