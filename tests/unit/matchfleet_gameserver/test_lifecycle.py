"""What may be asked of a server, and when; its loop, its operator and its game are all here."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matchfleet_contracts import keys, results, tokens, wire
from matchfleet_contracts.resources import MatchSpec, Reason
from matchfleet_gameserver import errors, lifecycle, links, settings, termination

NOW = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
OPERATOR, API = (keys.new_signing_key(bytes((n,)) * 32) for n in (1, 2))


class Noon:
    def now(self) -> datetime.datetime:
        return NOW


MakeServer = Callable[..., lifecycle.Server]


@pytest.fixture
def make_server(a: Any, tmp_path: Path) -> MakeServer:
    """Makes servers that play the counting game; keywords are settings."""
    (tmp_path / "keys").write_bytes(keys.encode_public([OPERATOR]))

    def make(**changes: Any) -> lifecycle.Server:
        knobs = settings.Settings(
            game="counting",
            pod_uid="pod",
            operator_public_keys=tmp_path / "keys",
            termination_log=tmp_path / "log",
            **changes,
        )
        return lifecycle.Server(
            a.Counting,
            knobs=knobs,
            clock=Noon(),
            bots_of=lambda *_: None,
            message=termination.Message(knobs.termination_log),
        )

    return make


def _assignment(spec: MatchSpec, uid: str = "uid") -> str:
    at = int(NOW.timestamp())
    claims = tokens.AssignmentClaims(
        aud="pod",
        iat=at,
        exp=at + 60,
        jti="j",
        match="m",
        match_uid=uid,
        spec=spec,
        api_jwks=keys.encode_public([API]).decode(),
    )
    return tokens.sign(claims, OPERATOR)


async def test_a_match_of_bots_is_played_and_its_result_written(
    a: Any, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server()
    assert server.assign(_assignment(a.spec(a.bot(0), config={"ticks": 3}))) == "uid"
    assert await server.left() == 0
    result = results.decode((tmp_path / "log").read_bytes())
    assert (result.match_uid, result.ticks, result.reason) == ("uid", 3, None)


async def test_the_first_assignment_counts_even_after_the_end(
    a: Any, make_server: MakeServer
) -> None:
    server = make_server()
    server.assign(_assignment(a.spec(a.bot(0), config={"ticks": 1})))
    await server.left()
    assert server.assign(_assignment(a.spec(a.bot(0)))) == "uid"
    with pytest.raises(errors.AlreadyAssigned, match="match uid"):
        server.assign(_assignment(a.spec(a.bot(0)), uid="another"))


async def test_a_refused_assignment_leaves_the_server_idle(a: Any, make_server: MakeServer) -> None:
    server = make_server()
    with pytest.raises(errors.AssignmentRefused):
        server.assign(_assignment(a.spec(config={"ticks": 0})))
    assert server.assign(_assignment(a.spec(), uid="another")) == "another"
    server.stop()


async def test_a_server_that_was_told_to_stop_takes_no_match(
    a: Any, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server()
    server.is_listening = True
    assert server.is_ready
    server.stop()
    assert not server.is_ready
    with pytest.raises(errors.AssignmentRefused, match="about to stop"):
        server.assign(_assignment(a.spec()))
    assert await server.left() == 0
    assert not (tmp_path / "log").exists()


async def test_a_server_that_waits_for_players_drains_when_told_to_stop(
    a: Any, make_server: MakeServer, tmp_path: Path
) -> None:
    server = make_server(drain_seconds=0)
    server.assign(_assignment(a.spec()))
    server.stop()
    assert await server.left() == 0
    assert results.decode((tmp_path / "log").read_bytes()).reason is Reason.DRAINED


async def test_a_server_is_not_live_when_its_match_does_not_tick(
    a: Any, make_server: MakeServer
) -> None:
    server = make_server(live_seconds=0.01)
    assert server.is_live, "an idle server has nothing to tick"
    server.assign(_assignment(a.spec(a.bot(0))))
    silent_since = server._heartbeat._last
    assert silent_since is not None
    server._heartbeat._last = silent_since - 1.0
    assert not server.is_live
    await server.left()
    assert server.is_live


def test_nobody_joins_a_server_without_a_match(make_server: MakeServer) -> None:
    link: Any = None
    with pytest.raises(errors.JoinRefused) as refused:
        make_server().join(links.JoinToken("t"), link, wire.ServerConnection())
    assert refused.value.code is wire.CloseCode.TOKEN_REFUSED
