"""The `matchfleet` command: play a match, look at the product, audit an install.

Progress is for people and goes to stderr when `--json` asks for one JSON object on stdout. Exit
codes: 0 all is well; 1 it ran and the answer is no (a match lost, an audit that fails); 2 it could
not run (a wrong option, nothing at the address). An error is a sentence that says what to do.
"""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import rich.console
import typer

from matchfleet_client import (
    accounts,
    api,
    errors,
    fleet_commands,
    happenings,
    models,
    options,
    play,
    policies,
    printing,
    rounds,
    sockets,
    transport,
    trust,
)
from matchfleet_contracts.ids import MatchId, PlayerId

T = TypeVar("T")
ANSWER_IS_NO, COULD_NOT_RUN = 1, 2
_NOT_RUN = (
    errors.Unreachable,
    errors.ReplyInvalid,
    errors.NoPolicy,
    errors.LoginNeeded,
    errors.AuthorityUnreadable,
    errors.KubectlMissing,
    errors.KubectlFailed,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Play a match of a Matchfleet install, look at it, audit it.",
)
app.add_typer(fleet_commands.app, name="fleet")
ApiUrl = Annotated[str, typer.Option("--api", envvar="MATCHFLEET_API", help="Address of the API.")]
CaFile = Annotated[
    Path | None,
    typer.Option(envvar="MATCHFLEET_CA_FILE", help="Authorities to trust, in PEM, and no others."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
DEFAULT_API = "http://127.0.0.1:8000"


@app.command("play")
def play_command(
    api_url: ApiUrl = DEFAULT_API,
    players: Annotated[int, typer.Option(min=1, max=64, help="How many players to log in.")] = 2,
    queue: Annotated[str, typer.Option(help="GAME/MODE to queue for.")] = "airhockey/blitz",
    region_rtt: Annotated[
        list[str] | None,
        typer.Option(help="Round trips as REGION=MS,...; repeated: one for each player."),
    ] = None,
    policy: Annotated[
        str, typer.Option(help="How the players play, in turn, as NAME,...")
    ] = "strong,weak",
    register: Annotated[
        bool, typer.Option(help="Make accounts with a password instead of guests.")
    ] = False,
    rounds_: Annotated[
        int,
        typer.Option(
            "--rounds", min=1, max=1000, help="Matches one after the other, and the wait."
        ),
    ] = 1,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Log players in, queue, play a match and wait until the ratings show."""
    trips = region_rtt or []
    plans = [_plan(players, queue, trips, policy, register=register) for _ in range(rounds_)]
    people = rich.console.Console(stderr=as_json, highlight=False, soft_wrap=True)

    def tell(happening: happenings.Happening) -> None:
        if rounds_ == 1:
            people.print(happenings.sentence(happening), markup=False)

    async def act() -> list[accounts.Account]:
        tls = trust.context(ca_file)
        async with transport.AiohttpTransport(api_url, tls=tls) as carrier:
            dial = sockets.dialing(tls)
            return [await play.play(plan, carrier, api_url, tell=tell, dial=dial) for plan in plans]

    played = _run(act)
    if rounds_ > 1:
        found = rounds.of_accounts(played)
        people.print(rounds.sentence(found), markup=False)
        if as_json:
            printing.as_json(found)
    elif as_json:
        printing.as_json(played[0])


@app.command()
def audit(
    token_file: Annotated[Path, typer.Option(help="File with the admin token.")],
    api_url: ApiUrl = DEFAULT_API,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """Check on a live install what must always be true; exit with 1 when something is not."""
    token = _read_token(token_file)

    async def act() -> models.Audit:
        tls = trust.context(ca_file)
        async with transport.AiohttpTransport(api_url, timeout_s=60, tls=tls) as carrier:
            return await api.audit(carrier, token=token)

    found = _run(act)
    if as_json:
        printing.as_json(found)
    else:
        printing.audit(found)
    if not found.ok:
        raise typer.Exit(ANSWER_IS_NO)


@app.command()
def queues(api_url: ApiUrl = DEFAULT_API, ca_file: CaFile = None, as_json: AsJson = False) -> None:
    """The queues that players may join."""
    found = _run(lambda: _with_api(api_url, ca_file, lambda rest: rest.queues()))
    rows = [
        (f"{q.game}/{q.mode}", ", ".join(q.regions), "yes" if q.ranked else "no") for q in found
    ]
    printing.show(found, rows, ("queue", "regions", "ranked"), is_json=as_json)


@app.command()
def leaderboard(
    queue: Annotated[str, typer.Argument(help="GAME/MODE")] = "airhockey/blitz",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 20,
    api_url: ApiUrl = DEFAULT_API,
    ca_file: CaFile = None,
    as_json: AsJson = False,
) -> None:
    """The best players of a queue."""
    game, mode = options.queue(queue)
    found = _run(
        lambda: _with_api(api_url, ca_file, lambda rest: rest.leaderboard(game, mode, limit=limit))
    )
    rows = [(str(e.place), e.name, str(e.rating), str(e.games), e.player_id) for e in found.entries]
    printing.show(found, rows, ("place", "name", "rating", "games", "player"), is_json=as_json)


@app.command()
def player(
    player_id: str, api_url: ApiUrl = DEFAULT_API, ca_file: CaFile = None, as_json: AsJson = False
) -> None:
    """A player and its ratings."""
    found = _run(lambda: _with_api(api_url, ca_file, lambda rest: rest.player(PlayerId(player_id))))
    rows = [(f"{r.game}/{r.mode}", str(r.rating), str(r.games)) for r in found.ratings]
    printing.show(found, rows, ("queue", "rating", "games"), is_json=as_json)


@app.command()
def matches(
    player_id: str, api_url: ApiUrl = DEFAULT_API, ca_file: CaFile = None, as_json: AsJson = False
) -> None:
    """A player's matches, the latest first."""
    found = _run(
        lambda: _with_api(api_url, ca_file, lambda rest: rest.matches_of(PlayerId(player_id)))
    )
    rows = [(m.id, f"{m.game}/{m.mode}", m.region, m.state, m.reason or "") for m in found]
    printing.show(found, rows, ("match", "queue", "region", "state", "reason"), is_json=as_json)


@app.command()
def match(
    match_id: str, api_url: ApiUrl = DEFAULT_API, ca_file: CaFile = None, as_json: AsJson = False
) -> None:
    """One match: who plays it, where, and how it ended."""
    found = _run(lambda: _with_api(api_url, ca_file, lambda rest: rest.match(MatchId(match_id))))
    ranks = {p.seat: (str(p.rank), str(p.score)) for p in accounts.places(found)}
    rows = [
        (str(s.seat), accounts.seat_name(s), *ranks.get(int(s.seat), ("", ""))) for s in found.seats
    ]
    printing.show(found, rows, ("seat", "player", "rank", "score"), is_json=as_json)


def main() -> None:
    """The command's entry: turns every expected error into a sentence and an exit code."""
    try:
        app()
    except errors.ClientError as error:
        sys.stderr.write(f"matchfleet: {error}\n")
        sys.exit(COULD_NOT_RUN if isinstance(error, _NOT_RUN) else ANSWER_IS_NO)
    except KeyboardInterrupt:
        sys.exit(130)


def _plan(
    players: int, queue: str, region_rtt: list[str], policy: str, *, register: bool
) -> play.Plan:
    game, mode = options.queue(queue)
    names = tuple(policy.split(","))
    for name in names:
        policies.policy(game, name)
    # Names of accounts are taken once for ever, so they carry chance; guests need none.
    mark = f"-{secrets.token_hex(4)}" if register else ""
    return play.Plan(
        game=game,
        mode=mode,
        names=tuple(f"player-{number}{mark}" for number in range(1, players + 1)),
        rtt_ms=tuple(options.round_trips(text) for text in region_rtt),
        policies=names,
        password=secrets.token_urlsafe(16) if register else None,
    )


def _run(act: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        return await act()

    return asyncio.run(whole())


async def _with_api(url: str, ca_file: Path | None, act: Callable[[api.Api], Awaitable[T]]) -> T:
    """Read as a guest: everything that a player may see is seen by any player."""
    async with transport.AiohttpTransport(url, tls=trust.context(ca_file)) as carrier:
        rest = api.Api(carrier)
        await rest.login_guest("reader")
        return await act(rest)


def _read_token(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}") from error
