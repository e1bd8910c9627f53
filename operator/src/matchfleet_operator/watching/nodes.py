"""The nodes as last told: by a complete list with each audit, and by a watch between two of them.

Of two states of one node the greater version wins. Where nodes may not be read, nothing is known of
any: servers are reached at the addresses their pods name, and a cordon shows only in evictions.
"""

import dataclasses
import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from matchfleet_operator.acting.kube import Object
from matchfleet_operator.planning.seen import NodeSeen
from matchfleet_operator.watching import observed


@dataclass(slots=True)
class Nodes:
    """What is known of nodes.

    Attributes:
        wanted: whether to try to read them at all.
        readable: whether the last try went well.
        changed: told the name of a node whose servers should be planned anew.
        cordoned: names of the nodes that are being emptied.
    """

    wanted: bool = False
    readable: bool = False
    by_name: dict[str, NodeSeen] = field(default_factory=dict)
    changed: Callable[[str], None] = lambda _: None
    cordoned: frozenset[str] = frozenset()

    def works(self, name: str) -> bool | None:
        """Whether a node works; None when that cannot be known."""
        if not self.readable or not name:
            return None
        found = self.by_name.get(name)
        return found is not None and found.ready

    def address(self, name: str) -> str:
        """Where players find a node; empty when that cannot be known."""
        found = self.by_name.get(name)
        return found.address if found is not None else ""

    def tell(self, change: str | None, raw: Object, now: datetime.datetime) -> None:
        """A watch event; `change` is None for a node that was there when the watch began."""
        if not self.readable:
            return
        if change == "DELETED":
            self._drop(observed.name_of(raw))
        else:
            self._put(observed.node(raw), now)

    def replace(self, items: Iterable[Object], version: int, now: datetime.datetime) -> None:
        """A complete list; what is newer than it is not missed in it."""
        self.readable = True
        listed = [observed.node(raw) for raw in items]
        for found in listed:
            self._put(found, now)
        names = {found.name for found in listed}
        for old in list(self.by_name.values()):
            if old.name not in names and old.version <= version:
                self._drop(old.name)

    def lose(self) -> None:
        """They may not be read any more: what was known is not acted on."""
        self.readable = False
        for name in list(self.by_name):
            self._drop(name)

    def _put(self, new: NodeSeen, now: datetime.datetime) -> None:
        old = self.by_name.get(new.name)
        if old is not None and old.version >= new.version:
            return
        new = _dated(new, old, now)
        self.by_name[new.name] = new
        if old is None or _matters(old) != _matters(new):
            self._moved(new.name)

    def _drop(self, name: str) -> None:
        if self.by_name.pop(name, None) is not None:
            self._moved(name)

    def _moved(self, name: str) -> None:
        self.cordoned = frozenset(n.name for n in self.by_name.values() if n.cordon is not None)
        self.changed(name)


def _dated(new: NodeSeen, old: NodeSeen | None, now: datetime.datetime) -> NodeSeen:
    """A cordon of which nobody noted the time counts from when it was first seen."""
    if new.cordon is None or new.cordon.since is not None:
        return new
    before = old.cordon.since if old is not None and old.cordon is not None else None
    return dataclasses.replace(new, cordon=dataclasses.replace(new.cordon, since=before or now))


def _matters(node: NodeSeen) -> tuple[object, ...]:
    """What of a node its servers' plans depend on; its heartbeats are not among it."""
    return node.ready, node.address, node.cordon
