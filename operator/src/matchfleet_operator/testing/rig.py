"""The operator without its loops: a test says what happens, then lets it settle.

Two of these on one API server are two operators that both believe to be the only one.

Watch events arrive only when `hear` is called, so that a test may lose, repeat or delay them.
"""

import datetime
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from matchfleet_adapters import errors as adapter_errors
from matchfleet_contracts import clock
from matchfleet_contracts.resources import API_VERSION
from matchfleet_operator import errors
from matchfleet_operator.acting import executor, kube
from matchfleet_operator.acting.executor import Executor
from matchfleet_operator.acting.kube import Kind, Object
from matchfleet_operator.keys import Key, MatchKey
from matchfleet_operator.planning import actions
from matchfleet_operator.planning.rules import Rules
from matchfleet_operator.testing.api import FakeApi, FakeClock
from matchfleet_operator.testing.builders import START
from matchfleet_operator.testing.publisher import FakePublisher, FakeServers
from matchfleet_operator.watching import observed
from matchfleet_operator.watching.cache import Cache
from matchfleet_operator.watching.memory import Memory
from matchfleet_operator.watching.nodes import Nodes
from matchfleet_operator.watching.views import Views

R = TypeVar("R")
PASSES_MOST = 200


class Crashed(BaseException):
    """The operator process died at this point; nothing of it runs on."""


def run(work: Coroutine[Any, Any, R]) -> R:
    """Runs what awaits nothing but other coroutines, without an event loop."""
    try:
        work.send(None)
    except StopIteration as done:
        result: R = done.value
        return result
    raise AssertionError("the fakes never wait for anything")


@dataclass(slots=True)
class Rig:
    """One operator, an API server, a broker and servers, all in memory."""

    rules: Rules = field(default_factory=Rules)
    api: FakeApi = field(default_factory=lambda: FakeApi(FakeClock(START)))
    publisher: FakePublisher = field(default_factory=FakePublisher)
    servers: FakeServers = field(default_factory=FakeServers)
    emitted: list[actions.EmitEvent] = field(default_factory=list)
    unheard: list[tuple[Kind, str, Object]] = field(default_factory=list)
    nodes: Nodes = field(default_factory=Nodes)
    rng: random.Random = field(default_factory=lambda: random.Random(1))
    cache: Cache = field(init=False)
    memory: Memory = field(init=False)
    views: Views = field(init=False)
    executor: Executor = field(init=False)
    dirty: dict[Key, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.api.watchers.append(lambda *told: self.unheard.append(told))
        self.start()

    @property
    def clock(self) -> FakeClock:
        """Everybody's clock."""
        return self.api.clock

    def start(self) -> None:
        """A new operator process: it knows nothing, then lists everything."""
        self.dirty.clear()
        self.unheard.clear()
        self.memory = Memory()
        self.cache = Cache(lambda key: self.dirty.__setitem__(key, None))
        self.nodes.changed = self._node_changed
        self.views = Views(self.cache, self.memory, self.nodes, self.rules, self.rng.randrange)
        self.executor = Executor(
            api=self.api,
            cache=self.cache,
            memory=self.memory,
            publisher=self.publisher,
            assigner=self.servers,
            clock=self.clock,
            emit=self.emitted.append,
        )
        for kind in (kube.CONTROLLER_REVISIONS, kube.FLEETS, kube.MATCHES, kube.PODS):
            for found in self.api.everything(kind):
                self._put(kind, found)

    def _node_changed(self, name: str) -> None:
        for key in self.cache.keys_of_node(name):
            self.dirty[key] = None

    def read_nodes(self, **since: datetime.datetime | None) -> None:
        """Lists the nodes named, all of them working: each with the time of its cordon, or None."""
        items: list[Object] = []
        for name, at in since.items():
            noted = {"timeAdded": clock.rfc3339(at)} if at is not None else {}
            taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"} | noted
            self.api.version += 1
            items.append(
                {
                    "metadata": {"name": name, "resourceVersion": str(self.api.version)},
                    "spec": {"taints": [taint]} if at is not None else {},
                    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                }
            )
        self.nodes.replace(items, self.api.version, self.clock.now())

    def hear(self, count: int | None = None) -> None:
        """Delivers the next watch events, or all."""
        for _ in range(len(self.unheard) if count is None else min(count, len(self.unheard))):
            self.deliver(*self.unheard.pop(0))

    def deliver(self, kind: Kind, change: str, found: Object) -> None:
        """Delivers one watch event."""
        if kind is kube.CONTROLLER_REVISIONS:
            # Nobody watches them.
            return
        self._put(kind, found)
        if change != "DELETED":
            return
        name, uid = observed.name_of(found), observed.uid_of(found)
        if kind is kube.MATCHES:
            self.cache.drop_match(name, uid, is_final=True)  # type: ignore[arg-type]
        elif kind is kube.PODS:
            self.cache.miss_pod(name, uid)  # type: ignore[arg-type]
        else:
            self.cache.drop_fleet(name, uid)  # type: ignore[arg-type]

    def _put(self, kind: Kind, found: Object) -> None:
        if kind is kube.MATCHES:
            self.cache.put_match(observed.match(found))
        elif kind is kube.PODS:
            self.cache.put_pod(observed.pod(found))
        elif kind is kube.CONTROLLER_REVISIONS:
            self.cache.put_revision(observed.revision(found))
        else:
            self.cache.put_fleet(observed.fleet(found))

    def settle(self, *, hearing: bool = True) -> None:
        """Plans and acts on every key until nothing follows; what fails is left for later."""
        for key in self.cache.all_keys():
            self.dirty[key] = None
        for _ in range(PASSES_MOST):
            if hearing:
                self.hear()
            if not self.dirty:
                return
            key = next(iter(self.dirty))
            del self.dirty[key]
            self.step(key)
        raise AssertionError(f"it does not settle; still at work: {list(self.dirty)[:5]}")

    def step(self, key: Key) -> bool:
        """Plans one key once and acts; whether there was anything to do."""
        plan = self.plan(key)
        for action in plan.actions:
            try:
                run(self.executor.do(action))
            except executor.Stale:
                break
            except (errors.ApiError, adapter_errors.AdapterError):
                return True
        if plan.actions:
            self.dirty[key] = None
        return bool(plan.actions)

    def plan(self, key: Key) -> actions.Plan:
        """What would follow for a key now."""
        now = self.clock.now()
        if isinstance(key, MatchKey):
            return self.views.plan_match(key.uid, now=now)
        return self.views.plan_fleet(key.name, now=now)

    def pass_s(self, seconds: float) -> None:
        """Time passes, then everything settles."""
        self.clock.pass_s(seconds)
        self.settle()

    # ---- what people do

    def apply_fleet(self, name: str = "eu", *, warm: int = 0, most: int = 10, **spec: Any) -> None:
        """Creates a Fleet."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "Fleet",
            "metadata": {"name": name},
            "spec": {
                "game": "airhockey",
                "region": "eu",
                "warm": warm,
                "max": most,
                "expose": {"type": "PodIP"},
                "template": {"spec": {"containers": [{"name": "game", "image": "g:1"}]}},
            }
            | spec,
        }
        self.api.put(kube.FLEETS, body)

    def apply_match(self, name: str = "m1", **spec: Any) -> str:
        """Creates a Match; its uid."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "Match",
            "metadata": {"name": name},
            "spec": {
                "game": "airhockey",
                "mode": "blitz",
                "region": "eu",
                "fleets": ["eu"],
                "players": [{"seat": 0, "kind": "Bot"}, {"seat": 1, "kind": "Bot", "team": 1}],
                "limits": {"assignSeconds": 60, "joinSeconds": 30, "maxSeconds": 300},
                "ttlSecondsAfterFinished": 600,
                "desired": "Run",
            }
            | spec,
        }
        return observed.uid_of(self.api.put(kube.MATCHES, body))

    def match(self, name: str = "m1") -> Object:
        """A Match as the API server has it."""
        return self.api.one(kube.MATCHES, name)

    def phase(self, name: str = "m1") -> str:
        """The phase of a Match."""
        return str(self.match(name)["status"]["phase"])

    def pods(self) -> list[Object]:
        """All pods."""
        return self.api.everything(kube.PODS)

    def start_pods(self) -> None:
        """Every pod that waits runs and is ready."""
        for number, pod in enumerate(self.pods()):
            if pod["status"]["phase"] == "Pending" and "deletionTimestamp" not in pod["metadata"]:
                self.api.run_pod(observed.name_of(pod), ip=f"10.0.0.{number + 1}")

    def server_of(self, name: str = "m1") -> str:
        """The pod that a Match names."""
        return str(self.match(name)["status"]["server"]["pod"])

    def ready_match(self, name: str = "m1", **spec: Any) -> str:
        """Brings a Match to Ready; the name of its server."""
        self.apply_match(name, **spec)
        self.settle()
        self.start_pods()
        self.settle()
        assert self.phase(name) == "Ready", self.match(name)  # noqa: S101  a test's own footing
        return self.server_of(name)
