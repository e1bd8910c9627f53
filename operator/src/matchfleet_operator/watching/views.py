"""What a planner gets to see of one key: gathered from the cache, the memory and the nodes.

Nothing is decided here. How often nodes are read, and whether at all, is `audit`'s business.
"""

import datetime
from dataclasses import dataclass

from matchfleet_contracts.ids import FleetName, MatchName, MatchUid, PodUid
from matchfleet_contracts.resources import Phase
from matchfleet_operator.planning import (
    demand,
    disruption,
    plan_fleet,
    plan_match,
    routing,
    supplies,
    supply,
)
from matchfleet_operator.planning.actions import Plan
from matchfleet_operator.planning.plan_match import Around
from matchfleet_operator.planning.routing import Room
from matchfleet_operator.planning.rules import Rules, seconds
from matchfleet_operator.planning.seen import (
    Disruption,
    FleetSeen,
    GoneFleet,
    GoneMatch,
    MatchSeen,
    PodSeen,
)
from matchfleet_operator.planning.servers import Surroundings
from matchfleet_operator.watching.cache import Cache
from matchfleet_operator.watching.memory import Memory
from matchfleet_operator.watching.nodes import Nodes


@dataclass(frozen=True, slots=True)
class Views:
    """Asks the planners about one key at a time."""

    cache: Cache
    memory: Memory
    nodes: Nodes
    rules: Rules
    pick: supplies.Pick

    def plan_match(self, uid: MatchUid, *, now: datetime.datetime) -> Plan:
        """What follows for a Match, or for what is left of it."""
        match = self.cache.match(uid) or self._gone(uid)
        if match is None:
            return Plan()
        pod = self._chosen_pod(match)
        around = self._around(match, pod)
        return plan_match.plan_match(match, pod, around=around, now=now, rules=self.rules)

    def _gone(self, uid: MatchUid) -> GoneMatch | None:
        gone = self.cache.gone_matches.get(uid)
        if gone is not None:
            return gone
        claims = (pod.claim for pod in self.cache.pods_of_match(uid))
        names = (claim.match for claim in claims if claim is not None)
        name = next(names, None)
        return GoneMatch(name=MatchName(name), uid=uid) if name is not None else None

    def _chosen_pod(self, match: MatchSeen | GoneMatch) -> PodSeen | None:
        if isinstance(match, GoneMatch) or match.status.server is None:
            return None
        return self.cache.pod(PodUid(match.status.server.pod_uid))

    def _around(self, match: MatchSeen | GoneMatch, pod: PodSeen | None) -> Around:
        claimed = self.cache.pods_of_match(match.uid)
        node = pod.node if pod is not None else next((p.node for p in claimed), "")
        wished = self._disruption(pod)
        chosen = _chosen_uid(match)
        attempt = self.memory.attempts.get(match.uid)
        return Around(
            strays=tuple(p for p in claimed if pod is None or p.uid != pod.uid),
            settled=frozenset(p.uid for p in claimed if p.uid in self.memory.settled),
            pod_is_gone=chosen is not None and self.cache.is_pod_gone(chosen),
            unfit=self.memory.unfit,
            attempt=attempt[1] if attempt is not None and attempt[0] == chosen else None,
            ready_told=chosen is not None and self.memory.ready_told.get(match.uid) == chosen,
            end_told=match.uid in self.memory.end_told,
            supply=self._supply(match),
            drain=disruption.drain_of(self.nodes.by_name.get(node), wished),
            evict=wished.evict,
            node_works=self.nodes.works(node),
            looked_at={
                p.uid: self.memory.looked_at[p.uid]
                for p in (*claimed, *((pod,) if pod is not None else ()))
                if p.uid in self.memory.looked_at
            },
            node_address=self.nodes.address(node),
            namespace_ending=self.memory.namespace_ending,
        )

    def _disruption(self, pod: PodSeen | None) -> Disruption:
        """What the server's Fleet says about interruptions; the defaults once it is gone."""
        fleet = self.cache.fleets.get(pod.fleet) if pod is not None else None
        return fleet.disruption if fleet is not None else Disruption()

    def _supply(self, match: MatchSeen | GoneMatch) -> supply.Supply:
        if isinstance(match, GoneMatch) or match.status.phase is not Phase.PENDING:
            # Nobody asks what else there would have been.
            return supply.Supply()
        return supply.of_match(
            match, fleets=self.cache.fleets, deleted=self.cache.deleted_fleets.keys()
        )

    def plan_fleet(self, name: FleetName, *, now: datetime.datetime) -> Plan:
        """What follows for a Fleet, its pods, and the Matches that turn to it."""
        fleet = self.cache.fleets.get(name) or GoneFleet(name=name)
        return plan_fleet.plan_fleet(
            fleet,
            self.cache.pods_of_fleet(name),
            self._waiting(name, now=now),
            around=self._surroundings(fleet, now=now),
            now=now,
            rules=self.rules,
            pick=self.pick,
        )

    def _waiting(self, name: FleetName, *, now: datetime.datetime) -> list[MatchSeen]:
        eligible = [m for m in self.cache.waiting() if supply.is_waiting(m, now=now)]
        if not eligible:
            return []
        named = {FleetName(n) for m in eligible for n in m.spec.fleets}
        rooms = {
            n: self._room(fleet) for n, fleet in self.cache.fleets.items() if n in named | {name}
        }
        return routing.by_fleet(eligible, rooms).get(name, [])

    def _room(self, fleet: FleetSeen) -> Room:
        pods = self.cache.pods_of_fleet(fleet.name)
        return Room(
            game=fleet.game,
            idle=sum(self._is_free(p) for p in pods),
            can_grow=not supply.is_stuck(fleet) and not fleet.deleting,
        )

    def _is_free(self, pod: PodSeen) -> bool:
        return (
            pod.is_idle
            and not self.cache.is_chosen(pod.uid)
            and pod.node not in self.nodes.cordoned
        )

    def _depth(self, fleet: FleetSeen | GoneFleet, *, now: datetime.datetime) -> demand.Depth:
        if isinstance(fleet, GoneFleet) or fleet.autoscale is None:
            return demand.UNKNOWN
        return demand.of_fleet(
            fleet,
            self.memory.depths.values(),
            self.cache.fleets,
            now=now,
            stale=seconds(self.rules.depth_stale_s),
        )

    def _surroundings(
        self, fleet: FleetSeen | GoneFleet, *, now: datetime.datetime
    ) -> Surroundings:
        memory, name = self.memory, fleet.name
        pods = self.cache.pods_of_fleet(name)
        takes_ports = isinstance(fleet, FleetSeen) and self._draws_ports(fleet)
        return Surroundings(
            reserved=frozenset(p.uid for p in pods if self.cache.is_chosen(p.uid)),
            unfit=memory.unfit,
            ports_taken=self.cache.ports_taken() if takes_ports else frozenset(),
            uncertain=tuple(sorted(memory.uncertain.get(name, ()))),
            refusal=memory.refusals.get(name),
            cordoned=self.nodes.cordoned,
            loads=self.cache.loads,
            depth=self._depth(fleet, now=now),
            revisions=self.cache.revisions_of(name),
            evidence=self.cache.evidence_of(name),
            status_written_at=memory.status_written_at.get(name),
            namespace_ending=memory.namespace_ending,
            closing=memory.closing,
        )

    def _draws_ports(self, fleet: FleetSeen) -> bool:
        """Whether a server of it, or of a revision it may return to, takes node ports."""
        kept = (r.made["expose"] for r in self.cache.revisions_of(fleet.name))
        return any(expose.host_ports for expose in (fleet.expose, *kept))


def _chosen_uid(match: MatchSeen | GoneMatch) -> PodUid | None:
    if isinstance(match, GoneMatch) or match.status.server is None:
        return None
    return PodUid(match.status.server.pod_uid)
