"""What the demo asks the local cluster for, and the queues its players may join.

Two regions with one Fleet each, as the chart has it. `queues.json` is the one list of queues that
the demo and the end-to-end tests share with a cluster's install: `blitz` for people, `sprint` for
tests that have no time, `trial` for those that break something meanwhile, `solo` for a player
without an opponent.
"""

import importlib.resources
from typing import Any

import msgspec

from matchfleet_contracts import resources
from matchfleet_local.demo import topology

REGIONS = ("eu", "us")
GAME = "airhockey"


def fleet_name(region: str) -> str:
    """The Fleet of one region."""
    return f"{GAME}-{region}"


def queues() -> bytes:
    """The queues file, as it is in this package."""
    return importlib.resources.files(__package__).joinpath("queues.json").read_bytes()


def queue_names() -> tuple[str, ...]:
    """Each queue as `game/mode`."""
    listed: list[dict[str, Any]] = msgspec.json.decode(queues())["queues"]
    return tuple(f"{queue['game']}/{queue['mode']}" for queue in listed)


def fleets(
    files: topology.Files, ports: topology.Ports, *, warm: int = 1, most: int = 8
) -> tuple[dict[str, Any], ...]:
    """A Fleet for each region; its servers listen on addresses of their own (127.64.x.y)."""
    return tuple(_fleet(region, files, ports, warm=warm, most=most) for region in REGIONS)


def _fleet(
    region: str, files: topology.Files, ports: topology.Ports, *, warm: int, most: int
) -> dict[str, Any]:
    environment = {
        "MATCHFLEET_OPERATOR_PUBLIC_KEYS": str(files.operator_public_keys),
        "MATCHFLEET_BOTS_ADDRESS": topology.bots_address(ports),
        "MATCHFLEET_LOG_FORMAT": "console",
    }
    container = {
        "name": resources.GAME_CONTAINER,
        "image": topology.GAMESERVER_IMAGE,
        "env": [{"name": name, "value": value} for name, value in environment.items()],
    }
    return {
        "apiVersion": resources.API_VERSION,
        "kind": "Fleet",
        "metadata": {"name": fleet_name(region)},
        "spec": {
            "game": GAME,
            "region": region,
            "warm": warm,
            "max": most,
            "drainSeconds": 5,
            "expose": {"type": "PodIP"},
            "template": {"spec": {"containers": [container]}},
        },
    }
