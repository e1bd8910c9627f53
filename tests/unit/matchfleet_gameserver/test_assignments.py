"""What a server refuses to play, and what it says then."""

from typing import Any

import pytest

from matchfleet_contracts import keys, tokens
from matchfleet_contracts.resources import MatchSpec
from matchfleet_gameserver import assignments, errors, metrics

JWKS = keys.encode_public([keys.new_signing_key(bytes(32))]).decode()


def _claims(spec: MatchSpec, jwks: str = JWKS) -> tokens.AssignmentClaims:
    return tokens.AssignmentClaims(
        aud="pod", iat=0, exp=1, jti="j", match="m", match_uid="uid", spec=spec, api_jwks=jwks
    )


def test_the_game_is_started_with_its_parameters_roster_and_seed(a: Any) -> None:
    spec = a.spec(a.human(0), a.bot(3), config={"ticks": 3}, seed=42)
    assigned = assignments.prepared(_claims(spec), a.Counting)
    play: Any = assigned.play
    assert (play.left, play.seed) == (3, 42)
    assert set(play.sums) == {0, 3}
    assert len(assigned.api_keys.by_kid) == 1


def test_what_cannot_be_played_is_refused_with_the_reason(a: Any) -> None:
    cases: list[tuple[MatchSpec, str]] = [
        (a.spec(game="chess"), "plays counting, not chess"),
        (a.spec(players=[]), "takes 1 to 4 players, not 0"),
        (a.spec(*(a.human(n) for n in range(5))), "takes 1 to 4 players, not 5"),
        (a.spec(a.human(1), a.human(1)), "a seat is in the roster twice"),
        (a.spec(a.human(300)), "between 0 and 255"),
        (a.spec(a.human(0, team=-1)), "between 0 and 255"),
        (a.spec(config={"ticks": 0}), "config.ticks is a whole number from 1"),
    ]
    for spec, why in cases:
        with pytest.raises(errors.AssignmentRefused, match=why):
            assignments.prepared(_claims(spec), a.Counting)


def test_a_game_that_raises_at_its_start_is_refused(a: Any) -> None:
    class Broken(a.Counting):  # type: ignore[misc]
        def start(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError("of course")

    before = metrics.UNEXPECTED_START._value.get()
    with pytest.raises(errors.AssignmentRefused, match="ZeroDivisionError: of course"):
        assignments.prepared(_claims(a.spec()), Broken)
    assert metrics.UNEXPECTED_START._value.get() == before + 1


def test_broken_keys_of_the_api_are_refused(a: Any) -> None:
    with pytest.raises(errors.AssignmentRefused, match="api_jwks"):
        assignments.prepared(_claims(a.spec(), "{}"), a.Counting)
