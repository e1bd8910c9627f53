"""`matchfleet fleet ...`: look at the game servers of an install, from the cluster's side."""

import asyncio
import contextlib
import functools
import sys
from collections.abc import Callable
from typing import Annotated

import rich.console
import rich.live
import rich.table
import typer

from matchfleet_client import fleets, kubectl, printing

app = typer.Typer(no_args_is_help=True, help="Look at the game servers of an install.")
COLUMNS = ("fleet", "region", "idle of wanted", "starting", "busy", "draining", "waiting", "max")


@app.callback()
def group() -> None:
    """Keeps `status` a command of its own while it is the only one."""


@app.command()
def status(
    name: Annotated[str, typer.Argument(help="One Fleet; without it, all.")] = "",
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on, and draw each change.")
    ] = False,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Where they are.")] = "",
    context: Annotated[str, typer.Option(help="Context of the kubeconfig.")] = "",
    kubeconfig: Annotated[str, typer.Option(help="Another kubeconfig.")] = "",
    program: Annotated[
        str, typer.Option("--kubectl", envvar="MATCHFLEET_KUBECTL", help="Which kubectl to use.")
    ] = "kubectl",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: all Fleets, or with --watch each change.")
    ] = False,
) -> None:
    """Servers of each Fleet: idle, starting, busy; how a rollout goes, and why it scales."""
    reach = kubectl.Reach(
        program=program, kubeconfig=kubeconfig, context=context, namespace=namespace
    )
    asyncio.run(_follow(reach, name, as_json=as_json) if watch else _once(reach, name, as_json))


async def _once(reach: kubectl.Reach, name: str, as_json: bool) -> None:
    found = [fleets.read(raw) for raw in await kubectl.fleets(reach, name=name)]
    if as_json:
        printing.as_json(found)
    else:
        _console().print(picture(found))


async def _follow(reach: kubectl.Reach, name: str, *, as_json: bool) -> None:
    known: dict[str, fleets.Fleet] = {}
    console = _console()
    with contextlib.ExitStack() as stack:
        show: Callable[[rich.console.Group], object] = console.print
        if console.is_terminal and not as_json:
            live = stack.enter_context(rich.live.Live(console=console, auto_refresh=False))
            show = functools.partial(live.update, refresh=True)
        async for change, raw in kubectl.changes(reach, name=name):
            fleet = fleets.read(raw)
            known[fleet.name] = fleet
            if change == "DELETED":
                del known[fleet.name]
            if as_json:
                printing.as_json({"change": change.lower(), "fleet": fleet})
                sys.stdout.flush()
            else:
                show(picture(sorted(known.values(), key=lambda f: f.name)))


def picture(found: list[fleets.Fleet]) -> rich.console.Group:
    """A line for each Fleet, and what is to be said of them below."""
    drawn = rich.table.Table(*COLUMNS, box=None)
    for fleet in found:
        counts = (fleet.starting, fleet.busy, fleet.draining, fleet.waiting, fleet.max)
        drawn.add_row(
            fleet.name, fleet.region, fleets.bar(fleet.idle, fleet.wanted), *map(str, counts)
        )
    remarks = (f"{f.name}: {remark}" for f in found for remark in f.remarks)
    return rich.console.Group(drawn, *remarks)


def _console() -> rich.console.Console:
    return rich.console.Console(highlight=False, markup=False)
