"""What people write on the command line, read into values; a mistake is a sentence."""

import typer


def queue(text: str) -> tuple[str, str]:
    """The game and mode in `GAME/MODE`.

    Raises:
        typer.BadParameter: it is not written so.
    """
    game, slash, mode = text.partition("/")
    if not (game and slash and mode) or "/" in mode:
        raise typer.BadParameter(f"{text!r} is not a queue: write GAME/MODE, as airhockey/blitz")
    return game, mode


def round_trips(text: str) -> dict[str, int]:
    """The round trips in milliseconds in `REGION=MS,REGION=MS`.

    Raises:
        typer.BadParameter: it is not written so.
    """
    trips: dict[str, int] = {}
    for part in text.split(","):
        region, _, milliseconds = part.strip().partition("=")
        if not region or not milliseconds.isdigit():
            raise typer.BadParameter(f"{part!r} is not a round trip: write REGION=MS, as eu=20")
        trips[region] = int(milliseconds)
    return trips
