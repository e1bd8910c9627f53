"""Where a Fleet's servers stand: what the scheduler is asked for, and whose servers go first.

Packed servers seek company, so that a cluster's autoscaler finds empty nodes to give back; spread
ones keep apart, so that a broken node ends few matches. Both are wishes: a server on a node that it
did not wish for is better than none. Which go first follows from it, so that shrinking a Fleet does
not undo what placing it did.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from matchfleet_contracts.resources import LABEL_FLEET, LABEL_MANAGED_BY, MANAGED_BY
from matchfleet_operator.planning.seen import FleetSeen, Placement, PodSeen

Body = dict[str, Any]

HOSTNAME = "kubernetes.io/hostname"
COMPANY_WEIGHT = 10
"""Of 100: a template may hold wishes of its own that count for more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loads:
    """How many servers of all Fleets each node carries, and how many of them are busy."""

    servers: Mapping[str, int] = field(default_factory=dict)
    busy: Mapping[str, int] = field(default_factory=dict)


def wishes(spec: Body, fleet: FleetSeen) -> Body:
    """What a pod's spec says about its node, the template's own words kept."""
    if fleet.placement is Placement.PACKED:
        return {"affinity": _with_company(spec.get("affinity") or {})}
    return {
        "topologySpreadConstraints": _kept_apart(spec.get("topologySpreadConstraints") or [], fleet)
    }


def _with_company(affinity: Body) -> Body:
    to_pods = affinity.get("podAffinity") or {}
    ours = {
        "weight": COMPANY_WEIGHT,
        "podAffinityTerm": {
            "topologyKey": HOSTNAME,
            "labelSelector": {"matchLabels": {LABEL_MANAGED_BY: MANAGED_BY}},
        },
    }
    given = to_pods.get("preferredDuringSchedulingIgnoredDuringExecution") or []
    return affinity | {
        "podAffinity": to_pods | {"preferredDuringSchedulingIgnoredDuringExecution": [*given, ours]}
    }


def _kept_apart(given: Sequence[Body], fleet: FleetSeen) -> list[Body]:
    ours = {
        "maxSkew": 1,
        "topologyKey": HOSTNAME,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {LABEL_FLEET: fleet.name}},
    }
    # Kubernetes takes each pair of these two once; the template's own holds.
    pair = (ours["topologyKey"], ours["whenUnsatisfiable"])
    if any((c.get("topologyKey"), c.get("whenUnsatisfiable")) == pair for c in given):
        return list(given)
    return [*given, ours]


def removal_order(
    pods: Sequence[PodSeen],
    placement: Placement,
    loads: Loads,
    *,
    cordoned: AbstractSet[str] = frozenset(),
) -> list[PodSeen]:
    """Unclaimed servers in the order in which they should go when they are too many.

    Those that still start go before those that are idle, and those on cordoned nodes before others.
    Packed: from the emptiest node first (fewest busy, then fewest servers). Spread: from the node
    with most servers, one after the other. On one node the newest goes first.
    """
    by_node: defaultdict[str, list[PodSeen]] = defaultdict(list)
    for pod in sorted(pods, key=lambda p: (p.is_idle, -p.created.timestamp(), p.name)):
        by_node[pod.node].append(pod)
    ranked: list[tuple[tuple[object, ...], PodSeen]] = []
    for node, found in by_node.items():
        for place, pod in enumerate(found):
            told = _load(node, place, placement, loads)
            ranked.append(((pod.is_idle, node not in cordoned, *told, node, place), pod))
    return [pod for _, pod in sorted(ranked, key=lambda r: r[0])]


def _load(node: str, gone_before: int, placement: Placement, loads: Loads) -> tuple[int, int]:
    servers, busy = loads.servers.get(node, 0), loads.busy.get(node, 0)
    if placement is Placement.SPREAD:
        return gone_before - servers, busy
    return busy, servers
