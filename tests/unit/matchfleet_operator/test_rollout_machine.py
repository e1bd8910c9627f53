"""Rollouts in any order of events: what must always hold, and where they must come to rest.

One Fleet, whose template changes to good ones and bad ones while matches are played. The operator
may die around any write, watch events may get lost, and a second operator may believe to lead.
Nobody in here calls a match off, so whatever stops a server with a Ready match (I6, I7) is a fault.
"""

import random
from typing import Any

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st

from matchfleet_contracts import results
from matchfleet_contracts.events import EndedAs, MatchEnded
from matchfleet_contracts.resources import ANNOTATION_MATCH_UID
from matchfleet_operator import errors
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind, Object
from matchfleet_operator.keys import FleetKey
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.rig import Crashed, Rig

GOOD = ("good:1", "good:2", "late:1")
BAD = ("missing:1", "crashing:1")
LONG = {"assignSeconds": 60, "joinSeconds": 30, "maxSeconds": 80_000}


class Rolling(stateful.RuleBasedStateMachine):
    """A Fleet that is rolled out again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig(rng=random.Random(0))
        self.rig.api.faults = self.fail
        self.other = Rig(
            api=self.rig.api,
            publisher=self.rig.publisher,
            servers=self.rig.servers,
            rng=random.Random(1),
        )
        self.trouble: tuple[int, str, type[BaseException]] | None = None
        self.made = 0
        self.servers: dict[str, str] = {}
        self.completed: set[str] = set()
        self.has_two_leaders = False

    def fail(self, verb: str, _kind: Kind, name: str, when: str) -> None:
        if self.trouble is None or self.trouble[1] != when:
            return
        countdown, _, error = self.trouble
        self.trouble = (countdown - 1, when, error) if countdown else None
        if not countdown:
            raise Crashed if error is Crashed else error(f"{verb} {name} failed {when}")

    def operate(self) -> None:
        try:
            self.rig.settle()
        except Crashed:
            self.rig.start()

    @stateful.initialize(
        warm=st.integers(0, 3),
        most=st.integers(1, 6),
        percent=st.sampled_from([10, 50, 100]),
        count=st.integers(1, 3),
        seed=st.integers(0, 99),
    )
    def begin(self, *, warm: int, most: int, percent: int, count: int, seed: int) -> None:
        self.rig.rng.seed(seed)
        self.most = most
        strategy = {
            "canaryPercent": percent,
            "canaryMatches": 2,
            "progressDeadlineSeconds": 60,
        }
        budget = {"count": count, "windowSeconds": 300}
        self.rig.apply_fleet(warm=min(warm, most), most=most, strategy=strategy, crashBudget=budget)
        self.change_template("good:1")
        self.rest()

    def rest(self) -> None:
        self.operate()
        self.pods_start()
        self.operate()

    # ---- what people do

    @stateful.rule(image=st.sampled_from([*GOOD, *BAD]))
    def change_template(self, image: str) -> None:
        template = {"spec": {"containers": [{"name": "game", "image": image}]}}
        self.rig.api.change(kube.FLEETS, "eu", {"spec": {"template": template}})

    @stateful.rule(warm=st.integers(0, 4))
    def scale(self, warm: int) -> None:
        self.rig.api.change(kube.FLEETS, "eu", {"spec": {"warm": min(warm, self.most)}})

    @stateful.rule(settles=st.booleans())
    def a_match_is_created(self, *, settles: bool) -> None:
        self.made += 1
        self.rig.apply_match(f"m{self.made}", limits=LONG)
        if settles:
            self.rest()

    # ---- what servers do

    @stateful.rule()
    def pods_start(self) -> None:
        """Those with a good image become ready; the others show what is wrong with them."""
        for number, pod in enumerate(self.rig.pods()):
            meta, image = pod["metadata"], _image(pod)
            if pod["status"]["phase"] != "Pending" or "deletionTimestamp" in meta:
                continue
            if image == "missing:1":
                waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "name": "game"}
                status = {"status": {"containerStatuses": [waiting]}}
                if pod["status"].get("containerStatuses") is None:
                    self.rig.api.change(kube.PODS, meta["name"], status)
            elif image == "crashing:1":
                self.rig.api.end_pod(meta["name"], exit_code=1, reason="Error")
            else:
                self.rig.api.run_pod(meta["name"], ip=f"10.0.0.{number + 1}")

    @stateful.precondition(lambda self: self.ready())
    @stateful.rule(data=st.data())
    def a_match_ends(self, data: st.DataObject) -> None:
        self.finish(data.draw(st.sampled_from(self.ready())))

    def finish(self, match: Object) -> None:
        uid, server = match["metadata"]["uid"], match["status"]["server"]["pod"]
        pod = self.rig.api.one(kube.PODS, server)
        late = 900 if _image(pod) == "late:1" else 1
        made = builders.a_result("x", match_uid=uid, late_ticks=late)
        self.rig.api.end_pod(server, message=results.encode(made).decode())
        self.completed.add(uid)

    def ready(self) -> list[Object]:
        """Matches that are played."""
        running = {
            p["metadata"]["uid"] for p in self.rig.pods() if p["status"]["phase"] == "Running"
        }
        return [
            m
            for m in self.rig.api.everything(kube.MATCHES)
            if m["status"]["phase"] == "Ready" and m["status"]["server"]["podUID"] in running
        ]

    @stateful.precondition(lambda self: self.rig.pods())
    @stateful.rule(data=st.data())
    def a_server_crashes(self, data: st.DataObject) -> None:
        running = [p for p in self.rig.pods() if p["status"]["phase"] == "Running"]
        if running:
            name = data.draw(st.sampled_from(running))["metadata"]["name"]
            self.rig.api.end_pod(name, exit_code=1, reason="Error")

    @stateful.rule()
    def kubelets_finish(self) -> None:
        for pod in self.rig.pods():
            if "deletionTimestamp" in pod["metadata"]:
                if pod["status"]["phase"] in {"Succeeded", "Failed"}:
                    self.rig.api.begin_deletion(kube.PODS, pod["metadata"]["name"], grace_s=0)
                else:
                    self.rig.api.end_pod(pod["metadata"]["name"], exit_code=143, reason="Error")

    @stateful.rule(seconds=st.sampled_from([1, 5, 12, 61, 301]))
    def time_passes(self, seconds: float) -> None:
        self.rig.clock.pass_s(seconds)

    # ---- what goes wrong

    @stateful.rule(
        countdown=st.integers(0, 5),
        when=st.sampled_from(["before", "after"]),
        kind=st.sampled_from([Crashed, errors.Unreachable, errors.Conflict]),
    )
    def trouble_ahead(self, countdown: int, when: str, kind: type[BaseException]) -> None:
        self.trouble = (countdown, "before" if kind is errors.Conflict else when, kind)

    @stateful.precondition(lambda self: self.rig.unheard)
    @stateful.rule(data=st.data())
    def an_event_is_lost(self, data: st.DataObject) -> None:
        self.rig.unheard.pop(data.draw(st.integers(0, len(self.rig.unheard) - 1)))

    @stateful.rule()
    def the_operator_is_killed(self) -> None:
        self.rig.start()

    @stateful.rule()
    def the_operator_works(self) -> None:
        self.operate()

    @stateful.rule(heard=st.integers(0, 6), count=st.integers(1, 4))
    def another_operator_works_on_what_it_heard(self, heard: int, count: int) -> None:
        self.has_two_leaders = True
        self.other.hear(heard)
        try:
            for key in list(self.other.cache.all_keys())[:count]:
                self.other.step(key)
        except Crashed:
            self.other.start()

    # ---- what always holds

    @stateful.invariant()
    def no_server_with_a_live_match_is_told_to_stop(self) -> None:
        pods = {p["metadata"]["uid"]: p for p in self.rig.pods()}
        for match in self.ready():
            meta = pods[match["status"]["server"]["podUID"]]["metadata"]
            assert "deletionTimestamp" not in meta, "a rollout ended a match"

    @stateful.invariant()
    def a_ready_match_keeps_its_server_and_shares_it_with_no_other(self) -> None:
        played: dict[str, str] = {}
        for match in self.rig.api.everything(kube.MATCHES):
            if match["status"]["phase"] == "Ready":
                uid, pod = match["metadata"]["uid"], match["status"]["server"]["podUID"]
                assert self.servers.setdefault(uid, pod) == pod
                assert played.setdefault(pod, uid) == uid

    @stateful.invariant()
    def servers_stay_within_max(self) -> None:
        living = [p for p in self.rig.pods() if p["status"]["phase"] in {"Pending", "Running"}]
        assert len(living) <= self.most * (1 + self.has_two_leaders)

    # ---- what must come true

    def teardown(self) -> None:
        if not hasattr(self, "most"):
            return
        self.trouble = None
        self.rig.start()
        for _ in range(4):
            self.all_goes_well()
        uids = {m["metadata"]["uid"] for m in self.ready()}
        assert uids.isdisjoint(self.completed)
        for match in self.ready():
            self.finish(match)
        for _ in range(14):
            self.all_goes_well()
        self.operate()
        told = {
            e.data.match_uid
            for e in self.rig.publisher.published
            if isinstance(e.data, MatchEnded) and e.data.ended_as is EndedAs.COMPLETED
        }
        assert self.completed <= told, "a recorded result was lost"
        self.it_came_to_rest()
        assert self.rig.plan(FleetKey("eu")).actions == (), "planning again yields something"

    def all_goes_well(self) -> None:
        self.rest()
        self.kubelets_finish()
        self.operate()
        self.rig.clock.pass_s(65)

    def it_came_to_rest(self) -> None:
        """As many idle servers as wanted, of the revisions that the status names."""
        fleet = self.rig.api.one(kube.FLEETS, "eu")
        spec, told = fleet["spec"], fleet["status"]
        image = spec["template"]["spec"]["containers"][0]["image"]
        idle = [
            p
            for p in self.rig.pods()
            if p["status"]["phase"] == "Running"
            and ANNOTATION_MATCH_UID not in (p["metadata"].get("annotations") or {})
        ]
        could_fall_back = told.get("blockedRevision") or image in GOOD
        if could_fall_back and image != "late:1" and not _is_frozen(told):
            assert len(idle) == spec["warm"], told
        others = [p for p in idle if _revision(p) != told["revision"]]
        is_canary = spec["strategy"]["canaryPercent"] < 100 and not _proven(told)
        assert not others or is_canary or image in BAD, told
        assert len(self.rig.api.everything(kube.CONTROLLER_REVISIONS)) <= 3
        numbers = [r["number"] for r in told["revisions"]]
        assert len(numbers) == len(set(numbers)) or 0 in numbers


def _image(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _revision(pod: Object) -> str:
    return str(pod["metadata"]["labels"]["matchfleet.dev/revision"])


def _proven(told: dict[str, Any]) -> bool:
    return any(r["revision"] == told["revision"] and r.get("proven") for r in told["revisions"])


def _is_frozen(told: dict[str, Any]) -> bool:
    degraded = next(c for c in told["conditions"] if c["type"] == "Degraded")
    return bool(degraded["status"] == "True" and not told.get("blockedRevision"))


TestRolling = Rolling.TestCase
TestRolling.settings = hypothesis.settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
