"""Leading: gained by a complete look, over by the clock, handed on at the end."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from matchfleet_operator import errors, metrics
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.bucket import Bucket
from matchfleet_operator.acting.executor import Executor
from matchfleet_operator.leading import lease
from matchfleet_operator.leading.duties import Duties
from matchfleet_operator.leading.fence import Fence
from matchfleet_operator.leading.leadership import Leadership
from matchfleet_operator.testing import builders
from matchfleet_operator.testing.api import FakeApi, FakeClock
from matchfleet_operator.watching.memory import Memory
from matchfleet_operator.workqueue import WorkQueue

NAME = "matchfleet-operator"


@dataclass
class Watched:
    """Duties that note what was asked of them."""

    did: list[str] = field(default_factory=list)
    failures: int = 0
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def take_over(self, since: float) -> None:
        assert since > 0
        if self.failures:
            self.failures -= 1
            raise errors.ServerFailed("no list today", status=500)
        self.did.append("look")

    def begin(self) -> None:
        self.did.append("begin")
        self.has_begun.set()

    def end(self) -> None:
        self.did.append("end")


@dataclass
class Replica:
    api: FakeApi
    at: list[float]
    me: str
    duties: Watched = field(default_factory=Watched)

    def __post_init__(self) -> None:
        self.leadership = Leadership(
            self.api,
            self.api.clock,
            name=NAME,
            me=self.me,
            timing=lease.Timing(),
            monotonic=lambda: self.at[0],
        )
        self.leadership._duties = self.duties

    async def turn(self) -> float:
        next_at = await self.leadership.turn()
        # Taking over is a task of its own.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return next_at - self.at[0]

    @property
    def leads(self) -> bool:
        return self.leadership.leads()


@pytest.fixture
def at() -> list[float]:
    """Everybody's monotonic clock."""
    return [1000.0]


@pytest.fixture
def api() -> FakeApi:
    return FakeApi(FakeClock(builders.START))


@pytest.fixture
def one(api, at) -> Replica:
    return Replica(api, at, "one")


@pytest.fixture
def two(api, at) -> Replica:
    return Replica(api, at, "two")


async def test_the_first_leads_after_a_look_and_the_second_stands_by(one, two):
    assert await one.turn() == 1.0
    assert await two.turn() == 0.5
    assert (one.leads, one.duties.did) == (True, ["look", "begin"])
    assert (two.leads, two.duties.did) == (False, [])
    assert metrics.LEADER._value.get() == 1


async def test_a_leader_that_renews_leads_on_and_a_standby_waits_on(one, two, at):
    for _ in range(20):
        await one.turn()
        await two.turn()
        at[0] += 1
    assert (one.leads, two.leads) == (True, False)
    assert one.duties.did == ["look", "begin"]


async def test_a_leader_that_was_stopped_does_not_lead_when_it_wakes(one, two, at):
    await one.turn()
    await two.turn()
    at[0] += 4.0
    assert not one.leads
    at[0] += 2.0
    await two.turn()
    assert two.leads
    await one.turn()
    await one.turn()
    assert (one.leads, one.duties.did) == (False, ["look", "begin", "end"])
    assert two.leads


async def test_a_standby_takes_over_when_the_lease_ends_and_no_later(one, two, at):
    await one.turn()
    at[0] += 0.6
    next_in = await two.turn()
    while not two.leads:
        at[0] += next_in
        next_in = await two.turn()
    assert at[0] - 1000.0 == pytest.approx(6.6)


async def test_a_lease_that_is_given_back_is_taken_at_the_next_look(api, one, two, at):
    await one.turn()
    await two.turn()
    await one.leadership.give_back()
    assert not one.leads
    at[0] += 1.0
    await two.turn()
    assert two.leads
    assert api.one(kube.LEASES, NAME)["spec"]["leaseTransitions"] == 1


async def test_giving_back_takes_nothing_from_another(api, one, two):
    await one.turn()
    await two.turn()
    await two.leadership.give_back()
    assert api.one(kube.LEASES, NAME)["spec"]["holderIdentity"] == "one"


async def test_a_renewal_whose_reply_was_lost_is_no_loss(api, one, at):
    await one.turn()

    def lose(verb, kind, name, when):
        if when == "after":
            raise errors.Unreachable("the reply was lost")

    api.faults = lose
    at[0] += 1.0
    await one.turn()
    api.faults = lambda *_: None
    at[0] += 1.0
    await one.turn()
    at[0] += 3.5
    assert (one.leads, one.duties.did) == (True, ["look", "begin"])


async def test_an_api_server_that_is_away_ends_leading_and_a_new_look_begins_it(api, one, at):
    await one.turn()

    def refuse(verb, kind, name, when):
        raise errors.Unreachable("nobody answers")

    api.faults = refuse
    for _ in range(10):
        at[0] += 1.0
        await one.turn()
    assert (one.leads, one.duties.did) == (False, ["look", "begin", "end"])
    api.faults = lambda *_: None
    at[0] += 1.0
    await one.turn()
    assert (one.leads, one.duties.did) == (True, ["look", "begin", "end", "look", "begin"])


async def test_without_its_look_nobody_leads(one, at):
    one.duties.failures = 1
    one.leadership._timing = lease.Timing(retry_s=0.001)
    await one.turn()
    assert (one.leads, one.duties.did) == (False, [])
    async with asyncio.timeout(5):
        await one.duties.has_begun.wait()
    assert one.duties.did == ["look", "begin"]


async def test_a_look_that_breaks_ends_the_process_and_not_just_the_look(one, at):
    async def broken(since):
        raise AssertionError("a bug")

    one.duties.take_over = broken
    await one.turn()
    with pytest.raises(AssertionError, match="a bug"):
        await one.leadership.turn()


async def test_a_lease_that_is_deleted_is_nobodys_for_as_long_as_it_would_have_lasted(
    api, one, two, at
):
    await one.turn()
    await two.turn()
    del api.objects["leases"][NAME]
    led = []
    for _ in range(8):
        at[0] += 1.0
        await one.turn()
        await one.turn()
        await two.turn()
        led.append(one.leads + two.leads)
    assert led == [0, 0, 0, 0, 0, 0, 1, 1]


# ---- what leading means


async def test_an_executor_that_does_not_lead_does_nothing(api):
    memory = Memory(leads=lambda: False)
    executor = Executor(
        api=None,  # type: ignore[arg-type]
        cache=None,  # type: ignore[arg-type]
        memory=memory,
        publisher=None,  # type: ignore[arg-type]
        assigner=None,  # type: ignore[arg-type]
        clock=api.clock,
        emit=lambda _: None,
    )
    with pytest.raises(errors.NotLeading):
        await executor.do(None)  # type: ignore[arg-type]


async def test_a_write_that_waited_for_its_turn_is_held_back_when_leading_ended_meanwhile():
    leads = [True]
    fence = Fence(Bucket(per_s=1000.0, burst=1), Memory(leads=lambda: leads[0]))
    await fence.take()
    waiting = asyncio.create_task(fence.take())
    leads[0] = False
    with pytest.raises(errors.NotLeading):
        await waiting


async def test_in_a_namespace_that_ends_everybody_lets_go():
    memory = Memory(leads=lambda: False)
    assert not memory.leading
    memory.namespace_ending = True
    assert memory.leading


async def test_a_closed_queue_keeps_its_keys_and_what_is_at_work_goes_on():
    queue: WorkQueue[str] = WorkQueue(jitter=random.random)
    queue.add("first")
    assert await queue.get() == "first"
    queue.close()
    queue.add("second")
    getting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("third")
    await asyncio.sleep(0)
    assert (getting.done(), queue.is_at_work) == (False, True)
    queue.done("first")
    assert not queue.is_at_work
    queue.open()
    assert await getting == "second"
    assert await queue.get() == "third"


@dataclass
class AnAuditor:
    begun_at: float
    judged: list[bool] = field(default_factory=list)

    async def audit(self, *, judges_watch: bool = True) -> None:
        self.judged.append(judges_watch)


@pytest.mark.parametrize(("begun_at", "looks"), [(99.0, [False]), (100.5, [])])
async def test_a_leader_looks_once_after_the_lease_is_its_own(begun_at, looks):
    auditor, memory = AnAuditor(begun_at), Memory()
    memory.settled.add("pod")  # type: ignore[arg-type]
    memory.first_seen_at["match"] = builders.START  # type: ignore[index]
    queue: WorkQueue[str] = WorkQueue(jitter=random.random)
    await Duties(memory, auditor, queue).take_over(100.0)  # type: ignore[arg-type]
    assert auditor.judged == looks
    assert (memory.settled, len(memory.first_seen_at)) == (set(), 1)
