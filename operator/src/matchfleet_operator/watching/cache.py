"""The latest of every Match, Fleet and pod that anybody told us of: watch, audit, our own writes.

Of two states of one object the greater version wins, so it does not matter in which order they
come, nor how often. Because the answers to our own writes are put in at once, what we plan next
already knows of them. A uid that was deleted never comes back.

Each change names the keys that should be planned anew.
"""

import dataclasses
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Generic, Protocol, TypeVar

from matchfleet_contracts.ids import FleetName, MatchName, MatchUid, PodName, PodUid
from matchfleet_contracts.resources import Phase
from matchfleet_operator.keys import FleetKey, Key, MatchKey
from matchfleet_operator.planning import evidence, placement
from matchfleet_operator.planning.evidence import Evidence
from matchfleet_operator.planning.seen import FleetSeen, GoneMatch, MatchSeen, PodSeen, RevisionSeen

BURIED_MOST = 20_000
EVIDENCE_MOST = 256
"""Ended servers of one Fleet that are remembered; its status counts them within seconds."""


class _Seen(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=_Seen)
K = TypeVar("K", FleetName, MatchUid)


class _Shelf(Generic[T]):
    """The objects of one kind by name, and the uids that are gone."""

    def __init__(self) -> None:
        self.by_name: dict[str, T] = {}
        self._buried: OrderedDict[str, None] = OrderedDict()

    def is_buried(self, uid: str) -> bool:
        return uid in self._buried

    def put(self, new: T) -> tuple[T | None, bool]:
        """Takes an object in: the one it replaces, and whether it is news."""
        old = self.by_name.get(new.name)
        if new.uid in self._buried or (old is not None and old.version >= new.version):
            return old, False
        if old is not None and old.uid != new.uid:
            self._bury(old.uid)
        self.by_name[new.name] = new
        return old, True

    def take(self, name: str, uid: str) -> T | None:
        """Takes an incarnation out, for ever: what was last known of it, if anything."""
        self._bury(uid)
        old = self.by_name.get(name)
        if old is None or old.uid != uid:
            return None
        return self.by_name.pop(name)

    def lose(self, name: str, uid: str) -> T | None:
        """Takes an incarnation out that may turn up again: what was last known of it."""
        old = self.by_name.get(name)
        return self.by_name.pop(name) if old is not None and old.uid == uid else None

    def _bury(self, uid: str) -> None:
        self._buried[uid] = None
        while len(self._buried) > BURIED_MOST:
            self._buried.popitem(last=False)


class Cache:
    """Matches, Fleets and pods, and who belongs to whom."""

    def __init__(self, changed: Callable[[Key], None]) -> None:
        self._changed = changed
        self._matches: _Shelf[MatchSeen] = _Shelf()
        self._fleets: _Shelf[FleetSeen] = _Shelf()
        self._pods: _Shelf[PodSeen] = _Shelf()
        self._revisions: _Shelf[RevisionSeen] = _Shelf()
        self._shelves: Mapping[str, _Shelf[Any]] = {
            "matches": self._matches,
            "fleets": self._fleets,
            "pods": self._pods,
            "controllerrevisions": self._revisions,
        }
        self._evidence: dict[FleetName, OrderedDict[PodUid, Evidence]] = {}
        self._match_names: dict[MatchUid, MatchName] = {}
        self._waiting: set[MatchName] = set()
        self._chosen: dict[PodUid, MatchUid] = {}
        self._pod_names: dict[PodUid, PodName] = {}
        self._pods_of_fleet: dict[FleetName, set[PodName]] = {}
        self._pods_of_match: dict[MatchUid, set[PodName]] = {}
        self._servers_on: Counter[str] = Counter()
        self._busy_on: Counter[str] = Counter()
        self._host_ports: Counter[int] = Counter()
        self.loads = placement.Loads(servers=self._servers_on, busy=self._busy_on)
        """How many servers each node carries; it changes as they come and go."""
        self.gone_matches: dict[MatchUid, GoneMatch] = {}
        """Matches that are gone and were known, until everything about them is done."""
        self.deleted_fleets: OrderedDict[FleetName, None] = OrderedDict()

    # ---- reading

    @property
    def fleets(self) -> Mapping[FleetName, FleetSeen]:
        """All Fleets."""
        return self._fleets.by_name  # type: ignore[return-value]

    def matches(self) -> Iterable[MatchSeen]:
        """All Matches."""
        return self._matches.by_name.values()

    def pods(self) -> Iterable[PodSeen]:
        """All pods of ours."""
        return self._pods.by_name.values()

    def match(self, uid: MatchUid) -> MatchSeen | None:
        """A Match by its incarnation."""
        return self._matches.by_name.get(self._match_names.get(uid, MatchName("")))

    def pod(self, uid: PodUid) -> PodSeen | None:
        """A pod by its incarnation."""
        return self._pods.by_name.get(self._pod_names.get(uid, PodName("")))

    def pods_of_match(self, uid: MatchUid) -> tuple[PodSeen, ...]:
        """The pods claimed for a Match."""
        return tuple(self._pods.by_name[n] for n in sorted(self._pods_of_match.get(uid, ())))

    def pods_of_fleet(self, name: FleetName) -> tuple[PodSeen, ...]:
        """The pods made for a Fleet, in no order."""
        return tuple(self._pods.by_name[n] for n in self._pods_of_fleet.get(name, ()))

    def revisions_of(self, name: FleetName) -> tuple[RevisionSeen, ...]:
        """The ControllerRevisions of a Fleet, or of one of its name before."""
        return tuple(r for r in self._revisions.by_name.values() if r.fleet == name)

    def evidence_of(self, name: FleetName) -> tuple[Evidence, ...]:
        """What a Fleet's servers that ended lately say, gone ones included."""
        return tuple(self._evidence.get(name, {}).values())

    def waiting(self) -> Iterator[MatchSeen]:
        """The Matches that have no server and are not over."""
        return (self._matches.by_name[name] for name in self._waiting)

    def is_chosen(self, uid: PodUid) -> bool:
        """Whether a Match chose this pod."""
        return uid in self._chosen

    def all_keys(self) -> Iterator[Key]:
        """Everything that could be planned."""
        yield from (MatchKey(uid) for uid in self._match_names)
        yield from (MatchKey(uid) for uid in self._pods_of_match if uid not in self._match_names)
        yield from (MatchKey(uid) for uid in self.gone_matches)
        names = {*self.fleets, *self._pods_of_fleet}
        yield from (FleetKey(name) for name in names)

    def counts(self) -> dict[str, int]:
        """How many objects there are of each kind."""
        return {
            "matches": len(self._matches.by_name),
            "fleets": len(self._fleets.by_name),
            "pods": len(self._pods.by_name),
        }

    # ---- Matches

    def put_match(self, new: MatchSeen) -> bool:
        """Takes a Match in; whether that was news."""
        old, is_news = self._matches.put(new)
        if not is_news:
            return False
        if old is not None:
            self._unlink_match(old)
            if old.uid != new.uid:
                self._mourn(old)
        self._match_names[new.uid] = new.name
        self.gone_matches.pop(new.uid, None)
        server = new.status.server
        if server is not None and not new.status.phase.is_terminal:
            self._chosen[PodUid(server.pod_uid)] = new.uid
        if new.status.phase is Phase.PENDING:
            self._waiting.add(new.name)
        self._changed(MatchKey(new.uid))
        if old is None or _stage(old) != _stage(new):
            self._match_moved(new)
        return True

    def drop_match(self, name: MatchName, uid: MatchUid, *, is_final: bool = False) -> None:
        """The API server said that this incarnation does not exist any more.

        is_final: and that it was deleted as we know it.
        """
        old = self._matches.take(name, uid)
        if old is not None:
            self._unlink_match(old)
            self._mourn(old, is_final=is_final)
            self._match_moved(old)
        self._changed(MatchKey(uid))

    def _unlink_match(self, old: MatchSeen) -> None:
        self._match_names.pop(old.uid, None)
        self._waiting.discard(old.name)
        server = old.status.server
        if server is not None:
            self._chosen.pop(PodUid(server.pod_uid), None)

    def _mourn(self, old: MatchSeen, *, is_final: bool = False) -> None:
        self.gone_matches[old.uid] = GoneMatch(
            name=old.name, uid=old.uid, last=old, is_final=is_final
        )
        self._changed(MatchKey(old.uid))

    def _match_moved(self, match: MatchSeen) -> None:
        for name in match.spec.fleets:
            self._changed(FleetKey(FleetName(name)))

    # ---- pods

    def put_pod(self, new: PodSeen) -> bool:
        """Takes a pod in; whether that was news."""
        old, is_news = self._pods.put(new)
        if not is_news:
            return False
        if old is not None:
            self._unlink_pod(old)
        self._heed(new)
        self._pod_names[new.uid] = new.name
        self._pods_of_fleet.setdefault(new.fleet, set()).add(new.name)
        if new.claim is not None:
            self._pods_of_match.setdefault(new.claim.match_uid, set()).add(new.name)
        self._weigh(new, 1)
        if old is None or dataclasses.replace(old, version=new.version) != new:
            self._pod_moved(new)
        return True

    def _heed(self, pod: PodSeen) -> None:
        """Remembers what a server says by its end: it may be gone before its Fleet is planned."""
        heard = self._evidence.setdefault(pod.fleet, OrderedDict())
        if pod.uid in heard or (found := evidence.of(pod)) is None:
            return
        heard[pod.uid] = found
        while len(heard) > EVIDENCE_MOST:
            heard.popitem(last=False)

    def drop_pod(self, name: PodName, uid: PodUid) -> None:
        """The API server said that this incarnation does not exist any more."""
        self._part_from(self._pods.take(name, uid), uid)

    def miss_pod(self, name: PodName, uid: PodUid) -> None:
        """A watch or a list does not have this incarnation any more.

        Of a server that a Match chose that is not enough, for a live match would end by it: it
        may only have lost the label that we select by. It is looked for by its name then.
        """
        is_chosen = uid in self._chosen
        self._part_from((self._pods.lose if is_chosen else self._pods.take)(name, uid), uid)

    def _part_from(self, old: PodSeen | None, uid: PodUid) -> None:
        if old is not None:
            self._unlink_pod(old)
            self._pod_moved(old)
        if uid in self._chosen:
            self._changed(MatchKey(self._chosen[uid]))

    def ports_taken(self) -> AbstractSet[int]:
        """The node ports of all servers that may still use them; it changes as they come and go."""
        return self._host_ports.keys()

    def _weigh(self, pod: PodSeen, servers: int) -> None:
        if pod.has_ended:
            return
        for host_port in (port.host_port for port in pod.ports if port.host_port):
            self._host_ports[host_port] += servers
            if not self._host_ports[host_port]:
                del self._host_ports[host_port]
        if not pod.node:
            return
        for counts in (self._servers_on, *((self._busy_on,) if pod.claim is not None else ())):
            counts[pod.node] += servers
            if not counts[pod.node]:
                del counts[pod.node]

    def keys_of_node(self, name: str) -> set[Key]:
        """The Fleets and Matches of the servers on a node."""
        found: set[Key] = set()
        for pod in self._pods.by_name.values():
            if pod.node == name:
                found.add(FleetKey(pod.fleet))
                if pod.claim is not None:
                    found.add(MatchKey(pod.claim.match_uid))
                elif pod.uid in self._chosen:
                    found.add(MatchKey(self._chosen[pod.uid]))
        return found

    def _unlink_pod(self, old: PodSeen) -> None:
        self._weigh(old, -1)
        self._pod_names.pop(old.uid, None)
        _discard(self._pods_of_fleet, old.fleet, old.name)
        if old.claim is not None:
            _discard(self._pods_of_match, old.claim.match_uid, old.name)

    def _pod_moved(self, pod: PodSeen) -> None:
        self._changed(FleetKey(pod.fleet))
        if pod.claim is not None:
            self._changed(MatchKey(pod.claim.match_uid))
        if pod.uid in self._chosen:
            self._changed(MatchKey(self._chosen[pod.uid]))

    def is_pod_gone(self, uid: PodUid) -> bool:
        """Whether the API server said that this incarnation does not exist any more."""
        return self._pods.is_buried(uid)

    # ---- Fleets

    def put_fleet(self, new: FleetSeen) -> bool:
        """Takes a Fleet in; whether that was news."""
        old, is_news = self._fleets.put(new)
        if not is_news:
            return False
        self.deleted_fleets.pop(new.name, None)
        self._changed(FleetKey(new.name))
        if old is None or _offer(old) != _offer(new):
            self._fleet_moved(new.name)
        return True

    def drop_fleet(self, name: FleetName, uid: str) -> None:
        """The API server said that this incarnation does not exist any more."""
        if self._fleets.take(name, uid) is None:
            return
        self._evidence.pop(name, None)
        self.deleted_fleets[name] = None
        while len(self.deleted_fleets) > BURIED_MOST:
            self.deleted_fleets.popitem(last=False)
        self._changed(FleetKey(name))
        self._fleet_moved(name)

    def _fleet_moved(self, name: FleetName) -> None:
        """Matches that wait for this Fleet may hope for something else now."""
        for match in list(self.waiting()):
            if name in match.spec.fleets:
                self._changed(MatchKey(match.uid))
                self._match_moved(match)

    # ---- revisions

    def put_revision(self, new: RevisionSeen) -> bool:
        """Takes a ControllerRevision in; whether that was news."""
        _, is_news = self._revisions.put(new)
        if is_news:
            self._changed(FleetKey(new.fleet))
        return is_news

    def drop_revision(self, name: str, uid: str) -> None:
        """The API server said that this incarnation does not exist any more."""
        old = self._revisions.take(name, uid)
        if old is not None:
            self._changed(FleetKey(old.fleet))

    # ---- audits and echoes

    def knows(self, kind: str, name: str, uid: str, version: int) -> bool:
        """Whether this incarnation is known in this version or a newer one."""
        known: _Seen | None = self._shelves[kind].by_name.get(name)
        return known is not None and known.uid == uid and known.version >= version

    def phantoms(self, kind: str, listed: Mapping[str, str], version: int) -> list[tuple[str, str]]:
        """Objects (name, uid) we know and a complete list of that version does not have.

        What is newer than the list is not missed: it was made after it.
        """
        known: Iterable[_Seen] = self._shelves[kind].by_name.values()
        return [
            (seen.name, seen.uid)
            for seen in known
            if listed.get(seen.name) != seen.uid and seen.version <= version
        ]


def _discard(index: dict[K, set[PodName]], key: K, name: PodName) -> None:
    found = index.get(key)
    if found is not None:
        found.discard(name)
        if not found:
            del index[key]


def _stage(match: MatchSeen) -> tuple[object, ...]:
    """What of a Match its Fleets care about."""
    server = match.status.server
    pod = server.pod_uid if server is not None else ""
    return match.uid, match.status.phase, pod, match.spec.desired, match.deleting


def _offer(fleet: FleetSeen) -> tuple[object, ...]:
    """What of a Fleet the Matches that wait for it care about."""
    told = tuple((c.type, c.status) for c in fleet.status.conditions)
    return fleet.uid, fleet.game, fleet.deleting, told
