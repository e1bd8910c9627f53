"""How players reach a server: which node ports it takes, and the endpoint a Match names.

HostPort: each port of the Fleet gets a free node port out of its range. PodIP: the pod's own ports.
Gateway: one address for all servers, and a path that names the pod; the gateway finds it under its
own name behind the Fleet's headless Service, so that nothing has to be told to the gateway.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from matchfleet_contracts.resources import ExposeType, PortProtocol, ServerPort
from matchfleet_operator.planning.seen import FleetPort, FleetSeen, HostRange, PodSeen

GATEWAY_PATH = "/play/"
"""Before the pod's name in the url of a server behind a gateway."""
_SCHEMES = {PortProtocol.TCP: "ws", PortProtocol.UDP: "udp"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where players find a server; port and url are those of its first port."""

    address: str
    port: int
    url: str
    ports: tuple[ServerPort, ...]


def endpoint(pod: PodSeen, node_address: str) -> Endpoint:
    """Where players find this server; node_address is "" where nodes cannot be read."""
    if pod.gateway_port:
        return _behind_gateway(pod)
    by_node = any(p.host_port for p in pod.ports)
    address = pod.address or ((node_address or pod.host_ip) if by_node else pod.ip)
    ports = tuple(
        ServerPort(p.name, p.host_port if by_node else p.container_port, p.protocol)
        for p in pod.ports
    )
    first = ports[0]
    url = f"{_SCHEMES[first.protocol]}://{_host(address)}:{first.port}"
    return Endpoint(address, first.port, url, ports)


def _behind_gateway(pod: PodSeen) -> Endpoint:
    ports = tuple(ServerPort(p.name, pod.gateway_port, PortProtocol.TCP) for p in pod.ports[:1])
    url = f"wss://{_host(pod.address)}:{pod.gateway_port}{GATEWAY_PATH}{pod.name}"
    return Endpoint(pod.address, pod.gateway_port, url, ports)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def range_of(port: FleetPort, ranges: Sequence[HostRange]) -> HostRange:
    """The range of node ports that a port of a HostPort Fleet takes from."""
    return next((r for r in ranges if r.name == port.host_ports), ranges[0])


class Drawing:
    """Node ports for one Fleet's new servers: no port twice, and none that is taken."""

    def __init__(
        self, fleet: FleetSeen, taken: AbstractSet[int], pick: Callable[[int], int]
    ) -> None:
        self._fleet = fleet
        self._pick = pick
        self._free: Mapping[str, list[int]] = {
            r.name: [n for n in range(r.first, r.last + 1) if n not in taken]
            for r in fleet.expose.host_ports
        }
        self.exhausted: HostRange | None = None
        """The range in which no port was left for the last server."""

    def draw(self) -> tuple[int, ...] | None:
        """Node ports for one server in the order of the Fleet's ports, or None if one is missing.

        A Fleet of another kind needs none: an empty tuple.
        """
        if self._fleet.expose.type is not ExposeType.HOST_PORT:
            return ()
        drawn: list[int] = []
        for port in self._fleet.ports:
            wanted = range_of(port, self._fleet.expose.host_ports)
            free = self._free[wanted.name]
            if not free:
                self.exhausted = wanted
                return None
            number = free[self._pick(len(free))]
            drawn.append(number)
            # Ranges may overlap.
            for others in self._free.values():
                if number in others:
                    others.remove(number)
        return tuple(drawn)
