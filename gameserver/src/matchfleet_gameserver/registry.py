"""Which games there are: those that come with the server, and those installed beside it."""

import importlib
import importlib.metadata
from typing import Any

from matchfleet_gameserver import errors, game

GROUP = "matchfleet.games"
_BUILT_IN = {"airhockey": "matchfleet_gameserver.games.airhockey:AirHockey"}


def load(name: str) -> type[game.Game[Any]]:
    """The class of the game called `name`.

    Raises:
        errors.GameUnknown: there is none.
        errors.GameBroken: what is registered is not a game, or says that it is another.
    """
    found = _built_in(name) or _installed(name)
    if not (isinstance(found, type) and issubclass(found, game.Game)):
        raise errors.GameBroken(name, f"{found!r} is not a subclass of Game")
    spec = getattr(found, "spec", None)
    if not isinstance(spec, game.GameSpec) or spec.name != name:
        raise errors.GameBroken(name, f"its spec is {spec!r}")
    return found


def _built_in(name: str) -> Any:
    place = _BUILT_IN.get(name)
    if place is None:
        return None
    module, attribute = place.split(":")
    return getattr(importlib.import_module(module), attribute)


def _installed(name: str) -> Any:
    entries = importlib.metadata.entry_points(group=GROUP)
    if name not in entries.names:
        raise errors.GameUnknown(name, known=sorted({*_BUILT_IN, *entries.names}))
    try:
        return entries[name].load()
    except (ImportError, AttributeError) as error:
        raise errors.GameBroken(name, str(error)) from error
