"""Which host ports a cluster takes on loopback.

A game server is reached at the address that its Match names, so a game port is the same number
inside and outside; two clusters on one machine therefore need ranges of their own, and the
chart's Fleets must be told the range of theirs.
"""

import re
from dataclasses import dataclass

from tools.cluster import errors

API_NODE_PORT = 30080
GATEWAY_NODE_PORT = 30443


@dataclass(frozen=True, slots=True)
class Ports:
    """Host ports of one cluster: the API's, the gateway's, and the inclusive range for games."""

    api: int
    first_game: int
    last_game: int
    gateway: int = 8443

    def __post_init__(self) -> None:
        """Refuses ports that cannot be bound or that meet each other."""
        if not 1024 <= self.api < 65536:
            raise errors.ClusterError(f"API port {self.api}: choose one from 1024 to 65535")
        if not 1024 <= self.first_game <= self.last_game < 65536:
            raise errors.ClusterError(
                f"game ports {self.first_game}-{self.last_game}: choose a rising range "
                "within 1024 to 65535"
            )
        if self.first_game <= self.api <= self.last_game:
            raise errors.ClusterError(f"API port {self.api} lies within the range for games")
        if self.gateway in {self.api, *self.games} or not 1024 <= self.gateway < 65536:
            raise errors.ClusterError(
                f"gateway port {self.gateway}: choose another from 1024 to 65535 that is neither "
                "the API's nor one for games"
            )

    @property
    def games(self) -> range:
        """Every game port."""
        return range(self.first_game, self.last_game + 1)

    def shifted(self, offset: int) -> "Ports":
        """The same ports further up, for a second cluster on one machine."""
        return Ports(
            self.api + offset,
            self.first_game + offset,
            self.last_game + offset,
            self.gateway + offset,
        )


_GATEWAY_ABOVE_API = 363
_BY_NAME = {
    "matchfleet": Ports(api=8080, first_game=7000, last_game=7019),
    "matchfleet-e2e": Ports(api=18080, first_game=7100, last_game=7119, gateway=18443),
}


def ports_for(
    name: str,
    *,
    offset: int | None = None,
    api: int | None = None,
    games: str | None = None,
    gateway: int | None = None,
) -> Ports:
    """The ports of the cluster `name`.

    Args:
        name: The known clusters have ports of their own; any other must choose.
        offset: Added to the ports of `matchfleet`.
        api: The API's host port.
        games: The range for games, as `7000-7019`.
        gateway: The gateway's host port; by default as far above the API's as anywhere.

    Raises:
        ClusterError: No choice for an unknown name, or ports that cannot be.
    """
    if offset is None and name not in _BY_NAME and (api is None or games is None):
        raise errors.ClusterError(
            f"cluster {name!r} would meet the ports of 'matchfleet': add --port-offset N "
            "(say, 200), or both --api-port and --game-ports"
        )
    default = _BY_NAME.get(name, _BY_NAME["matchfleet"])
    if offset is not None:
        default = _BY_NAME["matchfleet"].shifted(offset)
    first, last = _range(games) if games else (default.first_game, default.last_game)
    return Ports(
        api=api or default.api,
        first_game=first,
        last_game=last,
        gateway=gateway or (default.gateway if api is None else api + _GATEWAY_ABOVE_API),
    )


def _range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)-(\d+)", text.strip())
    if not found:
        raise errors.ClusterError(f"game ports {text!r}: write a range such as 7000-7019")
    return int(found.group(1)), int(found.group(2))
