"""Any order of events, crashes and lost answers: what must always hold, and what must come true.

The real planners, cache, executor and manifests run against an API server in memory. The operator
may die before any write is sent, or after it counted and before its answer came; watch events may
be lost, repeated, or come late; the broker may be down. I1, I5, I6 and I7 are checked after each
step, and at the end everything is let run until it settles.
"""

import random

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st

from matchfleet_contracts import results
from matchfleet_contracts.events import EndedAs, MatchEnded
from matchfleet_contracts.resources import ANNOTATION_MATCH_UID, Phase, Reason
from matchfleet_operator import errors
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind, Object
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.rig import Crashed, Rig

TERMINAL = {p.value for p in Phase if p.is_terminal}


class Trouble:
    """Makes the write after next fail: before it is sent, or after it counted."""

    def __init__(self) -> None:
        self.countdown: int | None = None
        self.when = "before"
        self.kind: type[BaseException] = Crashed

    def __call__(self, verb: str, kind: Kind, name: str, when: str) -> None:
        if self.countdown is None or when != self.when:
            return
        self.countdown -= 1
        if self.countdown < 0:
            self.countdown = None
            if self.kind is Crashed:
                raise Crashed
            raise self.kind(f"{verb} {kind.plural} {name} failed {when}")


class Operating(stateful.RuleBasedStateMachine):
    """A world with one Fleet or two, some Matches, and an operator that has bad luck."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = Trouble()
        self.rig = Rig(rng=random.Random(0))
        self.rig.api.faults = self.trouble
        # Another operator that believes to lead: it shares everything but its knowledge.
        self.other = Rig(
            api=self.rig.api,
            publisher=self.rig.publisher,
            servers=self.rig.servers,
            rng=random.Random(1),
        )
        self.made = 0
        self.ends: dict[str, str] = {}
        self.completed: set[str] = set()
        self.servers: dict[str, str] = {}
        self.has_two_leaders = False

    def operate(self, *, hearing: bool = True) -> None:
        """The operator does what it can; if it dies, another one starts."""
        try:
            self.rig.settle(hearing=hearing)
        except Crashed:
            self.rig.start()

    def any_match(self, data: st.DataObject) -> str | None:
        names = [m["metadata"]["name"] for m in self.rig.api.everything(kube.MATCHES)]
        return data.draw(st.sampled_from(names)) if names else None

    # ---- what people do

    @stateful.initialize(
        warm=st.integers(0, 2),
        most=st.integers(1, 4),
        both=st.booleans(),
        ready=st.integers(0, 3),
        seed=st.integers(0, 99),
        grace_s=st.sampled_from([0, 10, 3600]),
    )
    def begin(
        self, *, warm: int, most: int, both: bool, ready: int, seed: int, grace_s: int
    ) -> None:
        """Most of what may go wrong goes wrong with matches that are under way."""
        self.rig.rng.seed(seed)
        self.rig.apply_fleet(
            "eu", warm=warm, most=most, disruption={"graceSeconds": grace_s}, drainSeconds=5
        )
        if both:
            self.rig.apply_fleet("us", most=most)
        for _ in range(ready):
            self.create_match(["eu", "us"])
        self.operate()
        self.rig.start_pods()
        self.operate()

    @stateful.rule()
    def a_match_gets_under_way(self) -> None:
        self.create_match(["eu", "us"])
        self.operate()
        self.rig.start_pods()
        self.operate()

    @stateful.rule(fleets=st.sampled_from([["eu"], ["us"], ["eu", "us"]]))
    def create_match(self, fleets: list[str]) -> None:
        self.made += 1
        self.rig.apply_match(f"m{self.made}", fleets=fleets)

    @stateful.precondition(lambda self: self.rig.api.everything(kube.MATCHES))
    @stateful.rule(data=st.data())
    def cancel_match(self, data: st.DataObject) -> None:
        if name := self.any_match(data):
            self.rig.api.change(kube.MATCHES, name, {"spec": {"desired": "Cancel"}})

    @stateful.precondition(lambda self: self.rig.api.everything(kube.MATCHES))
    @stateful.rule(data=st.data())
    def delete_match(self, data: st.DataObject) -> None:
        if name := self.any_match(data):
            self.rig.api.begin_deletion(kube.MATCHES, name)
            self.rig.api.collect_garbage()

    @stateful.rule()
    def delete_fleet(self) -> None:
        for fleet in self.rig.api.everything(kube.FLEETS)[:1]:
            self.rig.api.begin_deletion(kube.FLEETS, fleet["metadata"]["name"])
            self.rig.api.collect_garbage()

    @stateful.rule(warm=st.integers(0, 4))
    def scale(self, warm: int) -> None:
        for fleet in self.rig.api.everything(kube.FLEETS):
            spec = {"spec": {"warm": min(warm, fleet["spec"]["max"])}}
            self.rig.api.change(kube.FLEETS, fleet["metadata"]["name"], spec)

    # ---- what nodes do

    @stateful.rule(nodes=st.lists(st.sampled_from(["n1", "n2"]), min_size=4, max_size=4))
    def pods_start(self, nodes: list[str]) -> None:
        unbound = [p for p in self.rig.pods() if "nodeName" not in p["spec"]]
        for pod, node in zip(unbound, nodes, strict=False):
            spec = {"spec": {"nodeName": node}}
            self.rig.api.change(kube.PODS, pod["metadata"]["name"], spec)
        self.rig.start_pods()

    @stateful.rule(n1=st.booleans(), n2=st.booleans(), both_see=st.booleans())
    def nodes_are_cordoned_or_given_back(self, *, n1: bool, n2: bool, both_see: bool) -> None:
        since = self.rig.clock.now()
        told = {"n1": since if n1 else None, "n2": since if n2 else None}
        self.rig.read_nodes(**told)
        if both_see:
            self.other.read_nodes(**told)

    @stateful.rule()
    def nodes_may_not_be_read_any_more(self) -> None:
        self.rig.nodes.lose()

    @stateful.precondition(lambda self: self.running())
    @stateful.rule(
        data=st.data(),
        how=st.sampled_from(["result", "result", "result", "void", "crash", "broken"]),
    )
    def a_pod_ends(self, data: st.DataObject, how: str) -> None:
        pod = data.draw(st.sampled_from(self.running()))
        name, meta = pod["metadata"]["name"], pod["metadata"]
        plays = self.rig.servers.playing.get(meta["uid"])
        if how in {"result", "void"} and plays is not None:
            made = builders.a_result("x", match_uid=plays)
            if how == "void":
                made = builders.a_void_result(Reason.TICK_STALLED)
            message = results.encode(made).decode()
            self.rig.api.end_pod(name, message=message)
            if how == "result" and self.counts(plays, meta["uid"]):
                self.completed.add(plays)
        else:
            message = "{not a result" if how == "broken" else ""
            self.rig.api.end_pod(name, message=message, exit_code=1, reason="Error")

    def running(self) -> list[Object]:
        return [p for p in self.rig.pods() if p["status"]["phase"] == "Running"]

    def counts(self, match_uid: str, pod_uid: str) -> bool:
        """Whether a result seen now must be told: players could join its match on this pod.

        Before that the match may be given to another server, and is played anew.
        """
        for match in self.rig.api.everything(kube.MATCHES):
            if match["metadata"]["uid"] == match_uid:
                server = match["status"].get("server") or {}
                is_ready = match["status"]["phase"] == "Ready"
                return is_ready and server.get("podUID") == pod_uid
        return False

    @stateful.precondition(lambda self: self.rig.pods())
    @stateful.rule(data=st.data())
    def a_pod_is_evicted(self, data: st.DataObject) -> None:
        if pods := self.rig.pods():
            pod = data.draw(st.sampled_from(pods))
            self.rig.api.begin_deletion(kube.PODS, pod["metadata"]["name"])

    @stateful.rule()
    def kubelets_finish(self) -> None:
        """Pods that were told to stop have stopped."""
        for pod in self.rig.pods():
            if "deletionTimestamp" in pod["metadata"]:
                if pod["status"]["phase"] in {"Succeeded", "Failed"}:
                    self.rig.api.begin_deletion(kube.PODS, pod["metadata"]["name"], grace_s=0)
                else:
                    self.rig.api.end_pod(pod["metadata"]["name"], exit_code=143, reason="Error")

    @stateful.rule(seconds=st.sampled_from([0.5, 3, 6, 20, 61, 500]))
    def time_passes(self, seconds: float) -> None:
        self.rig.clock.pass_s(seconds)

    # ---- what goes wrong

    @stateful.rule(
        countdown=st.integers(0, 6),
        when=st.sampled_from(["before", "after"]),
        kind=st.sampled_from([Crashed, errors.Unreachable, errors.ServerFailed, errors.Conflict]),
    )
    def trouble_ahead(self, countdown: int, when: str, kind: type[BaseException]) -> None:
        if kind is errors.Conflict:
            when = "before"
        self.trouble.countdown, self.trouble.when, self.trouble.kind = countdown, when, kind

    @stateful.rule()
    def the_broker_goes(self) -> None:
        self.rig.publisher.is_up = False

    @stateful.rule()
    def the_broker_comes(self) -> None:
        self.rig.publisher.is_up = True

    @stateful.precondition(lambda self: self.rig.unheard)
    @stateful.rule(data=st.data())
    def an_event_is_lost(self, data: st.DataObject) -> None:
        if self.rig.unheard:
            self.rig.unheard.pop(data.draw(st.integers(0, len(self.rig.unheard) - 1)))

    @stateful.precondition(lambda self: self.rig.unheard)
    @stateful.rule(data=st.data())
    def an_event_comes_twice_and_late(self, data: st.DataObject) -> None:
        if self.rig.unheard:
            told = self.rig.unheard[data.draw(st.integers(0, len(self.rig.unheard) - 1))]
            self.rig.unheard.append(told)

    @stateful.rule()
    def the_operator_is_killed(self) -> None:
        self.rig.start()

    @stateful.rule(silent=st.booleans())
    def servers_fall_silent(self, *, silent: bool) -> None:
        names = {p["metadata"]["name"] for p in self.rig.pods()}
        self.rig.servers.silent = names if silent else set()

    # ---- what the operator does

    @stateful.rule()
    def the_operator_works(self) -> None:
        self.operate()

    @stateful.rule()
    def the_operator_works_on_what_it_knew(self) -> None:
        self.operate(hearing=False)

    @stateful.rule(count=st.integers(1, 5), data=st.data())
    def another_operator_takes_single_steps(self, count: int, data: st.DataObject) -> None:
        """It hears little and acts on it, between the steps of the one that leads."""
        self.has_two_leaders = True
        for _ in range(count):
            self.other.hear(data.draw(st.integers(0, 6)))
            keys = list(self.other.cache.all_keys())
            if not keys:
                return
            try:
                self.other.step(data.draw(st.sampled_from(keys)))
            except Crashed:
                self.other.start()

    @stateful.rule()
    def another_operator_works(self) -> None:
        self.has_two_leaders = True
        try:
            self.other.settle()
        except Crashed:
            self.other.start()

    # ---- what always holds

    @stateful.invariant()
    def a_match_that_ended_stays_as_it_ended(self) -> None:
        for match in self.rig.api.everything(kube.MATCHES):
            uid, phase = match["metadata"]["uid"], match["status"]["phase"]
            if uid in self.ends:
                assert phase == self.ends[uid]
            elif phase in TERMINAL:
                self.ends[uid] = phase

    @stateful.invariant()
    def a_ready_match_keeps_its_server(self) -> None:
        for match in self.rig.api.everything(kube.MATCHES):
            if match["status"]["phase"] == "Ready":
                uid = match["metadata"]["uid"]
                server = match["status"]["server"]["podUID"]
                assert self.servers.setdefault(uid, server) == server

    @stateful.invariant()
    def no_two_matches_share_a_server(self) -> None:
        chosen = [
            match["status"]["server"]["podUID"]
            for match in self.rig.api.everything(kube.MATCHES)
            if match["status"]["phase"] == "Ready"
        ]
        assert len(chosen) == len(set(chosen))

    @stateful.invariant()
    def every_publication_of_an_end_says_the_same(self) -> None:
        """But for a Match that was deleted after it failed, of which only its pod still tells."""
        told: dict[str, set[EndedAs]] = {}
        for event in self.rig.publisher.published:
            if isinstance(event.data, MatchEnded):
                told.setdefault(event.data.match_uid, set()).add(event.data.ended_as)
        there = {m["metadata"]["uid"] for m in self.rig.api.everything(kube.MATCHES)}
        for uid, ways in told.items():
            is_void = EndedAs.COMPLETED not in ways
            assert len(ways) == 1 or (is_void and uid not in there), told

    @stateful.invariant()
    def idle_servers_stay_within_the_fleets_bound(self) -> None:
        for fleet in self.rig.api.everything(kube.FLEETS):
            name = fleet["metadata"]["name"]
            idle = [
                p
                for p in self.rig.pods()
                if p["metadata"]["labels"]["matchfleet.dev/fleet"] == name
                and ANNOTATION_MATCH_UID not in (p["metadata"].get("annotations") or {})
                and "deletionTimestamp" not in p["metadata"]
            ]
            # Two that create at the same time know of each other's servers a moment later.
            assert len(idle) <= fleet["spec"]["max"] * (1 + self.has_two_leaders)

    # ---- what must come true

    def teardown(self) -> None:
        """With everything well again, all ends well."""
        self.trouble.countdown = None
        self.rig.publisher.is_up = True
        self.rig.servers.silent = set()
        self.rig.read_nodes(n1=None, n2=None)
        for match in self.rig.api.everything(kube.MATCHES):
            self.rig.api.change(
                kube.MATCHES, match["metadata"]["name"], {"spec": {"desired": "Cancel"}}
            )
        # What the watch lost, the audit finds.
        self.rig.start()
        for _ in range(6):
            self.operate()
            self.kubelets_finish()
            self.rig.clock.pass_s(20)
        self.operate()
        self.a_match_that_ended_stays_as_it_ended()
        self.every_publication_of_an_end_says_the_same()
        for match in self.rig.api.everything(kube.MATCHES):
            assert match["status"]["phase"] in TERMINAL
            said = [c for c in match["status"]["conditions"] if c["type"] == "ResultPublished"]
            assert said[0]["status"] == "True"
        claimed = [
            p
            for p in self.rig.pods()
            if ANNOTATION_MATCH_UID in (p["metadata"].get("annotations") or {})
        ]
        assert claimed == [], "a pod outlived its match"
        told = {
            e.data.match_uid
            for e in self.rig.publisher.published
            if isinstance(e.data, MatchEnded) and e.data.ended_as is EndedAs.COMPLETED
        }
        assert self.completed <= told, "a recorded result was lost"
        for key in self.rig.cache.all_keys():
            assert self.rig.plan(key).actions == (), "planning again yields something"


TestOperating = Operating.TestCase
TestOperating.settings = hypothesis.settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
