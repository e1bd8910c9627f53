"""Random walks: people edit Matches and Fleets in every way, and the operator must keep up.

A walk is a seed. It runs on the API server in memory; what the schemas refuse is refused. After
each step the operator settles, which it must; in the end everything is deleted, and nothing may be
left.
"""

import copy
import random
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from chaos import edits
from chaos.edits import Object
from matchfleet_contracts import results
from matchfleet_contracts.events import MatchEnded
from matchfleet_contracts.resources import ANNOTATION_MATCH_UID, API_VERSION
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.rig import Rig

STEPS = 30
ROUNDS_AT_THE_END = 12
TERMINAL = frozenset({"Completed", "Failed", "Cancelled"})
FLEET: Object = {
    "game": "airhockey",
    "region": "eu",
    "warm": 1,
    "max": 5,
    "expose": {"type": "PodIP"},
    "template": {"spec": {"containers": [{"name": "game", "image": "g:1"}]}},
}
MATCH: Object = {
    "game": "airhockey",
    "mode": "blitz",
    "region": "eu",
    "fleets": ["eu", "us"],
    "players": [{"seat": 0, "kind": "Bot"}, {"seat": 1, "kind": "Human", "id": "p1"}],
    "config": {"goals": 3},
    "limits": {"assignSeconds": 60, "joinSeconds": 30, "maxSeconds": 300},
}


@dataclass(slots=True)
class Walk:
    """One world and what was seen of it.

    Attributes:
        taken, refused: how many edits the schemas let through, and how many not.
        ends: how each Match (uid) ended. servers: the server (uid) of each that was Ready.
    """

    seed: int
    rig: Rig = field(init=False)
    rng: random.Random = field(init=False)
    taken: int = 0
    refused: int = 0
    ends: dict[str, str] = field(default_factory=dict)
    servers: dict[str, str] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.rig = Rig(rng=random.Random(self.seed))

    def go(self) -> None:
        """Walks, and judges after each step.

        Raises:
            AssertionError: something that must hold does not.
        """
        self.create("fleets", "eu", copy.deepcopy(FLEET))
        steps = (
            (self.create_something, 4),
            (self.edit_something, 6),
            (self.delete_something, 1),
            (self.scale, 1),
            (self.cancel, 1),
            (self.nodes_work, 5),
            (self.a_server_ends, 3),
            (self.a_server_is_evicted, 1),
            (self.time_passes, 2),
            (self.rig.start, 1),
        )
        chosen = self.rng.choices(
            [step for step, _ in steps], [weight for _, weight in steps], k=STEPS
        )
        for step in chosen:
            step()
            self.settle()
        self.end()

    # ---- what people do

    def create_something(self) -> None:
        """A Fleet or a Match, maybe one of which a field is odd."""
        plural = self.rng.choice(["fleets", "matches", "matches"])
        name = self.rng.choice(["eu", "us"] if plural == "fleets" else ["m1", "m2", "m3", "m4"])
        spec = copy.deepcopy(FLEET if plural == "fleets" else MATCH)
        self.create(plural, name, spec, odd=self.rng.random() < 0.6)

    def create(self, plural: str, name: str, spec: Object, *, odd: bool = False) -> None:
        """Creates an object, if it is not there and would be admitted."""
        found = edits.resource(plural)
        new: Object = {
            "apiVersion": API_VERSION,
            "kind": found.kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        if odd:
            new = edits.edited(new, found, self.rng)
        if name in self.rig.api.objects.get(plural, {}):
            return
        kept = found.admitted(new, None)
        if kept is None:
            self.refused += 1
            return
        self.taken += 1
        made = self.rig.api.put(_kind(plural), kept)
        if plural == "matches":
            self.uids[made["metadata"]["uid"]] = name

    def edit_something(self) -> None:
        """One field of one object."""
        plural = self.rng.choice(["fleets", "fleets", "matches"])
        if (old := self._any(plural)) is not None:
            self._replace(plural, old, edits.edited(old, edits.resource(plural), self.rng))

    def scale(self) -> None:
        """`kubectl scale`."""
        if (old := self._any("fleets")) is not None:
            new = copy.deepcopy(old)
            new["spec"]["warm"] = self.rng.randrange(5)
            self._replace("fleets", old, new)

    def cancel(self) -> None:
        """A match is called off."""
        if (old := self._any("matches")) is not None:
            new = copy.deepcopy(old)
            new["spec"]["desired"] = "Cancel"
            self._replace("matches", old, new)

    def _replace(self, plural: str, old: Object, new: Object) -> None:
        kept = edits.resource(plural).admitted(new, old)
        if kept is None:
            self.refused += 1
            return
        self.taken += 1
        name, found = (
            old["metadata"]["name"],
            self.rig.api.one(_kind(plural), old["metadata"]["name"]),
        )
        if kept["spec"] == found["spec"]:
            return
        found["spec"] = kept["spec"]
        generation = old["metadata"]["generation"] + 1
        self.rig.api.change(_kind(plural), name, {"metadata": {"generation": generation}})

    def delete_something(self) -> None:
        """A Fleet or a Match goes."""
        plural = self.rng.choice(["fleets", "matches"])
        if (old := self._any(plural)) is not None:
            self.rig.api.begin_deletion(_kind(plural), old["metadata"]["name"])
            self.rig.api.collect_garbage()

    def _any(self, plural: str) -> Object | None:
        found = self.rig.api.everything(_kind(plural))
        return copy.deepcopy(self.rng.choice(found)) if found else None

    # ---- what nodes and time do

    def nodes_work(self) -> None:
        """Pods start, and those that were told to stop have stopped."""
        self.rig.start_pods()
        for pod in self.rig.pods():
            if "deletionTimestamp" not in pod["metadata"]:
                continue
            name = pod["metadata"]["name"]
            if pod["status"]["phase"] in {"Succeeded", "Failed"}:
                self.rig.api.begin_deletion(kube.PODS, name, grace_s=0)
            else:
                self.rig.api.end_pod(name, exit_code=143, reason="Error")

    def a_server_ends(self) -> None:
        """With a result, if it plays; or by a crash."""
        running = [p for p in self.rig.pods() if p["status"]["phase"] == "Running"]
        if not running:
            return
        pod = self.rng.choice(running)
        name, plays = pod["metadata"]["name"], self.rig.servers.playing.get(pod["metadata"]["uid"])
        if plays is not None and self.rng.random() < 0.7:
            result = builders.a_result("x", match_uid=plays)
            self.rig.api.end_pod(name, message=results.encode(result).decode())
        else:
            self.rig.api.end_pod(name, exit_code=1, reason="Error")

    def a_server_is_evicted(self) -> None:
        """Somebody deletes a pod."""
        if pods := self.rig.pods():
            self.rig.api.begin_deletion(kube.PODS, self.rng.choice(pods)["metadata"]["name"])

    def time_passes(self) -> None:
        """A moment, or long."""
        self.rig.clock.pass_s(self.rng.choice([0.5, 2, 20, 100, 1000]))

    # ---- what must hold

    def settle(self) -> None:
        """The operator does what there is to do; it neither crashes nor goes on for ever."""
        self.rig.settle()
        self._judge_matches()
        self._judge_servers()
        for plural in ("matches", "fleets"):
            for found in self.rig.api.everything(_kind(plural)):
                assert not (wrong := edits.resource(plural).wrong(found)), wrong

    def _judge_matches(self) -> None:
        for match in self.rig.api.everything(kube.MATCHES):
            uid, status = match["metadata"]["uid"], match["status"]
            phase, server = status["phase"], status.get("server") or {}
            assert self.ends.get(uid, phase) == phase, f"I5: it ended as {self.ends[uid]}"
            if phase in TERMINAL:
                self.ends[uid] = phase
            if phase == "Ready":
                same = self.servers.setdefault(uid, server["podUID"])
                assert same == server["podUID"], "I6: a Ready Match changed its server"

    def _judge_servers(self) -> None:
        ready = [
            m["status"]["server"]["podUID"]
            for m in self.rig.api.everything(kube.MATCHES)
            if m["status"]["phase"] == "Ready"
        ]
        assert len(ready) == len(set(ready)), "I6: two Matches share a server"
        most = {f["metadata"]["name"]: f["spec"]["max"] for f in self._fleets()}
        idle = Counter(
            pod["metadata"]["labels"]["matchfleet.dev/fleet"]
            for pod in self.rig.pods()
            if not _claimed(pod) and "deletionTimestamp" not in pod["metadata"]
        )
        for fleet, count in idle.items():
            assert count <= max(most.get(fleet, 0), edits.FEW_MOST), f"{count} servers of {fleet}"

    def _fleets(self) -> list[Object]:
        return self.rig.api.everything(kube.FLEETS)

    def end(self) -> None:
        """Everything is deleted: every match ends, everybody is told once, nothing is left."""
        for plural in ("matches", "fleets"):
            for found in self.rig.api.everything(_kind(plural)):
                self.rig.api.begin_deletion(_kind(plural), found["metadata"]["name"])
        self.rig.api.collect_garbage()
        for _ in range(ROUNDS_AT_THE_END):
            self.settle()
            self.nodes_work()
            self.rig.clock.pass_s(30)
        self.settle()
        assert self.rig.pods() == [], "pods are left"
        told: dict[str, set[str]] = {}
        for event in self.rig.publisher.published:
            if isinstance(event.data, MatchEnded):
                told.setdefault(event.data.match_uid, set()).add(event.data.ended_as.value)
        for uid, name in self.uids.items():
            assert len(told.get(uid, ())) == 1, f"I5: {name} ({uid}) was told as {told.get(uid)}"
            assert self.ends.get(uid, "").lower() in {"", *told[uid]}
        for key in self.rig.cache.all_keys():
            assert self.rig.plan(key).actions == (), "planning again yields something"


def _claimed(pod: Object) -> bool:
    return ANNOTATION_MATCH_UID in (pod["metadata"].get("annotations") or {})


def _kind(plural: str) -> Kind:
    return {"fleets": kube.FLEETS, "matches": kube.MATCHES}[plural]


@dataclass(frozen=True, slots=True)
class Result:
    """How a walk went; `problem` is empty if all held."""

    seed: int
    problem: str
    taken: int
    refused: int


def walk(seed: int) -> Result:
    """One walk."""
    walked = Walk(seed)
    try:
        walked.go()
        problem = ""
    except Exception as error:  # noqa: BLE001  whatever it is, it is what the walk found
        problem = _where(error)
    return Result(seed, problem, walked.taken, walked.refused)


def _where(error: BaseException) -> str:
    last: Any = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} (at {last.filename}:{last.lineno})"
