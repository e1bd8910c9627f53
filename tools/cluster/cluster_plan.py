"""What must be done to a kind cluster so that it is the one we want: a pure decision.

A healthy cluster of the wanted make is left alone. One that merely sleeps (its node containers
stopped, as after a reboot or a killed engine) is woken. Anything else, half-made, broken or of an
older node image, is removed and made again: nothing in it is worth repairing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.cluster import ports


@dataclass(frozen=True, slots=True)
class Node:
    """One node container as the engine describes it.

    Attributes:
        image: Id of the image that it was made from.
        is_running: Its state.
        mapped: Container port to loopback port.
    """

    image: str
    is_running: bool
    mapped: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObservedCluster:
    """What is there under the cluster's name.

    Attributes:
        control_plane: Its container, if there is one.
        worker: Its container, if there is one.
        others: Count of further containers that carry the cluster's label.
        is_healthy: The API answers, both nodes are Ready and kind's last step was taken.
        has_context: The kubeconfig has a context that leads to it.
        was_whole: It was brought up to the end once; sleeping nodes of another never get well.
    """

    control_plane: Node | None = None
    worker: Node | None = None
    others: int = 0
    is_healthy: bool = False
    has_context: bool = False
    was_whole: bool = True


@dataclass(frozen=True, slots=True)
class WantedCluster:
    """What should be there."""

    image: str
    mapped: ports.Ports


@dataclass(frozen=True, slots=True)
class DeleteCluster:
    """Remove what is there; `reason` tells the person why."""

    reason: str


@dataclass(frozen=True, slots=True)
class CreateCluster:
    """Make it from nothing."""


@dataclass(frozen=True, slots=True)
class WakeNodes:
    """Start the stopped node containers, control plane first, and wait for health.

    If it does not become healthy, plan again with what is then seen: running and not healthy.
    """


@dataclass(frozen=True, slots=True)
class WriteContext:
    """Write the kubeconfig's context anew."""


Step = DeleteCluster | CreateCluster | WakeNodes | WriteContext


def plan(wanted: WantedCluster, observed: ObservedCluster) -> tuple[Step, ...]:
    """The steps from what is there to what should be."""
    nodes = [node for node in (observed.control_plane, observed.worker) if node]
    if not nodes and not observed.others:
        return (CreateCluster(),)
    reason = _misfit(wanted, observed)
    if reason:
        return (DeleteCluster(reason), CreateCluster())
    if not all(node.is_running for node in nodes):
        if not observed.was_whole:
            return (DeleteCluster("its making was cut short"), CreateCluster())
        context = () if observed.has_context else (WriteContext(),)
        return (WakeNodes(), *context)
    if not observed.is_healthy:
        return (DeleteCluster("it is not healthy"), CreateCluster())
    return () if observed.has_context else (WriteContext(),)


def _misfit(wanted: WantedCluster, observed: ObservedCluster) -> str | None:
    """Why what is there can never become what is wanted, or None."""
    if observed.control_plane is None or observed.worker is None or observed.others:
        return "it was made only in part"
    if {observed.control_plane.image, observed.worker.image} != {wanted.image}:
        return "it runs an older node image"
    api = {
        ports.API_NODE_PORT: wanted.mapped.api,
        ports.GATEWAY_NODE_PORT: wanted.mapped.gateway,
    }
    games = {port: port for port in wanted.mapped.games}
    if not _includes(observed.control_plane.mapped, api):
        return "it maps other ports for the API and the gateway"
    if not _includes(observed.worker.mapped, games):
        return "it maps other ports for games"
    return None


def _includes(mapped: Mapping[int, int], wanted: Mapping[int, int]) -> bool:
    return all(mapped.get(container) == host for container, host in wanted.items())
