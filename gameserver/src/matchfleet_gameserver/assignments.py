"""Whether a server can play what it is told to play, and the game set up to do so."""

from dataclasses import dataclass
from typing import Any

import structlog

from matchfleet_contracts import errors as contract_errors
from matchfleet_contracts import keys, tokens
from matchfleet_contracts.resources import MatchSpec
from matchfleet_gameserver import errors, game, metrics

log = structlog.get_logger()

_BYTE = 255


@dataclass(frozen=True, slots=True)
class Assigned:
    """What this server was told to play, verified, and its game, set up."""

    claims: tokens.AssignmentClaims
    api_keys: keys.PublicKeys
    play: game.Game[Any]


def prepared(claims: tokens.AssignmentClaims, kind: type[game.Game[Any]]) -> Assigned:
    """The game of an assignment, started with its parameters, roster and seed.

    Raises:
        errors.AssignmentRefused: it cannot be played here; the message goes to its owner.
    """
    _check_roster(claims.spec, kind.spec)
    try:
        api_keys = keys.decode_public(claims.api_jwks.encode())
    except contract_errors.TokenInvalid as error:
        raise errors.AssignmentRefused(f"api_jwks: {error}") from error
    play = kind()
    try:
        play.start(claims.spec.config, claims.spec.players, seed=claims.spec.seed)
    except contract_errors.ConfigInvalid as error:
        raise errors.AssignmentRefused(str(error)) from error
    except Exception as error:
        metrics.UNEXPECTED_START.inc()
        log.exception("game_start_failed")
        text = f"the game failed to start: {type(error).__name__}: {error}"
        raise errors.AssignmentRefused(text) from error
    return Assigned(claims=claims, api_keys=api_keys, play=play)


def _check_roster(spec: MatchSpec, rules: game.GameSpec) -> None:
    if spec.game != rules.name:
        raise errors.AssignmentRefused(f"this server plays {rules.name}, not {spec.game}")
    seats = [entry.seat for entry in spec.players]
    if not rules.min_seats <= len(seats) <= rules.max_seats:
        raise errors.AssignmentRefused(
            f"{rules.name} takes {rules.min_seats} to {rules.max_seats} players, not {len(seats)}"
        )
    if len(set(seats)) != len(seats):
        raise errors.AssignmentRefused("a seat is in the roster twice")
    if not all(0 <= n <= _BYTE for entry in spec.players for n in (entry.seat, entry.team)):
        raise errors.AssignmentRefused(f"seats and teams lie between 0 and {_BYTE}")
