"""What people and game servers do while something goes wrong, stage by stage.

A story waits for what must come true whatever the fault, so it ends only if that does. It returns
what must be left when all is quiet again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from operator_bench import Bench

from chaos import observer
from chaos.observer import Observer
from matchfleet_contracts import results
from matchfleet_operator.testing import builders

Object = dict[str, Any]
WITHIN_S = 60.0
LIMITS = {"assignSeconds": 120, "joinSeconds": 120, "maxSeconds": 240}
BROKER_AWAY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left in the end: the phase of each Match (none: it is gone), idle servers by Fleet.

    told: of Matches that are gone, how their end was told.
    """

    phases: dict[str, str | None]
    idle: dict[str, int]
    told: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Teller:
    """Tells a story on a bench; `stage` says how far it has come.

    played: the result that each Match's server wrote while players were there, by Match uid.
    uids: of each Match by name.
    """

    bench: Bench
    seen: Observer
    stage: Callable[[str], Awaitable[None]]
    played: dict[str, str] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)

    async def fleet(self, name: str = "eu", *, warm: int, most: int = 6) -> None:
        """A Fleet with its idle servers ready."""
        await self.bench.apply_fleet(name, warm=warm, most=most)
        await self.until_idle(warm)

    async def until_idle(self, count: int) -> None:
        """So many servers wait, exactly."""

        async def is_so() -> bool:
            pods = self.seen.now["pods"].values()
            return sum(map(observer.is_idle, pods)) == count

        await self.bench.until(is_so, within_s=WITHIN_S, why=f"never {count} idle servers")

    async def ready(self, name: str = "m1", **spec: Any) -> Object:
        """A Match that players may join."""
        await self.match(name, **spec)
        return await self.until_phase(name, "Ready")

    async def match(self, name: str = "m1", **spec: Any) -> None:
        """A Match that waits for its server."""
        made = await self.bench.apply_match(name, **{"limits": LIMITS, **spec})
        self.uids[name] = made["metadata"]["uid"]

    async def until_phase(self, name: str, phase: str) -> Object:
        """The Match, once it is so far."""
        found: Object = await self.bench.until_phase(phase, name, within_s=WITHIN_S)
        return found

    async def play(self, found: Object) -> None:
        """A Ready match is played to its end, and its server writes the result."""
        uid = found["metadata"]["uid"]
        message = results.encode(builders.a_result("x", match_uid=uid)).decode()
        self.played[uid] = message
        await self.bench.end_pod(found["status"]["server"]["pod"], message=message)

    async def until_gone(self, name: str) -> None:
        """The Match is there no more."""

        async def is_so() -> bool:
            return name not in self.seen.now["matches"]

        await self.bench.until(is_so, within_s=WITHIN_S, why=f"{name} is never removed")


async def cold(tell: Teller) -> Left:
    """No server waits; one is started for the Match."""
    await tell.fleet(warm=0)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    await tell.play(found)
    await tell.until_phase("m1", "Completed")
    await tell.stage("ended")
    return Left(phases={"m1": "Completed"}, idle={"eu": 0})


async def warm(tell: Teller) -> Left:
    """A server waits; another takes its place."""
    await tell.stage("begin")
    await tell.fleet(warm=1)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    await tell.play(found)
    await tell.until_phase("m1", "Completed")
    await tell.stage("ended")
    return Left(phases={"m1": "Completed"}, idle={"eu": 1})


async def cancel(tell: Teller) -> Left:
    """A match is called off while it is played."""
    await tell.fleet(warm=1)
    await tell.stage("idle")
    await tell.ready()
    await tell.stage("ready")
    spec = {"spec": {"desired": "Cancel"}}
    await tell.bench.call("PATCH", tell.bench.path("matches", "m1"), spec)
    await tell.until_phase("m1", "Cancelled")
    return Left(phases={"m1": "Cancelled"}, idle={"eu": 1})


async def lost(tell: Teller) -> Left:
    """A server is killed while it plays."""
    await tell.fleet(warm=1)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    pod = found["status"]["server"]["pod"]
    await tell.bench.end_pod(pod, exit_code=137, reason="OOMKilled")
    await tell.until_phase("m1", "Failed")
    return Left(phases={"m1": "Failed"}, idle={"eu": 1})


async def evicted(tell: Teller) -> Left:
    """Somebody deletes the pod of a server that plays; it leaves no result."""
    await tell.fleet(warm=1)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    await tell.bench.delete("pods", found["status"]["server"]["pod"])
    await tell.until_phase("m1", "Failed")
    return Left(phases={"m1": "Failed"}, idle={"eu": 1})


async def decline(tell: Teller) -> Left:
    """The first server plays something else already; the next one agrees."""
    await tell.fleet(warm=2)
    await tell.stage("idle")
    tell.bench.game.declines = 1
    found = await tell.ready()
    await tell.stage("ready")
    await tell.play(found)
    await tell.until_phase("m1", "Completed")
    return Left(phases={"m1": "Completed"}, idle={"eu": 2})


async def ttl(tell: Teller) -> Left:
    """An ended Match is kept for no time at all."""
    await tell.fleet(warm=1)
    await tell.stage("idle")
    found = await tell.ready(ttlSecondsAfterFinished=0)
    await tell.stage("ready")
    await tell.play(found)
    await tell.until_gone("m1")
    return Left(phases={"m1": None}, idle={"eu": 1}, told={"m1": "completed"})


async def deleted(tell: Teller) -> Left:
    """A Match is deleted after its result was written and before anybody could be told."""
    await tell.fleet(warm=1)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    tell.bench.publisher.failures = BROKER_AWAY
    await tell.play(found)
    await tell.bench.delete("matches", "m1")
    await tell.until_gone("m1")
    await tell.stage("deleted")
    tell.bench.publisher.failures = 0
    return Left(phases={"m1": None}, idle={"eu": 1}, told={"m1": "completed"})


async def scale(tell: Teller) -> Left:
    """Fewer idle servers are wanted while one plays."""
    await tell.fleet(warm=3)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    await tell.bench.call("PATCH", tell.bench.path("fleets", "eu"), {"spec": {"warm": 1}})
    await tell.until_idle(1)
    await tell.stage("scaled")
    await tell.play(found)
    await tell.until_phase("m1", "Completed")
    return Left(phases={"m1": "Completed"}, idle={"eu": 1})


async def burst(tell: Teller) -> Left:
    """More Matches than servers come at once, and more than the Fleet may ever have."""
    await tell.fleet(warm=2, most=3)
    await tell.stage("idle")
    names = [f"m{n}" for n in range(1, 5)]
    for name in names:
        await tell.match(name)

    async def plays_another() -> bool:
        for match in list(tell.seen.now["matches"].values()):
            status, uid = match["status"], match["metadata"]["uid"]
            if status["phase"] == "Ready" and uid not in tell.played:
                await tell.play(match)
        return len(tell.played) == len(names)

    await tell.bench.until(plays_another, within_s=2 * WITHIN_S)
    await tell.stage("played")
    for name in names:
        await tell.until_phase(name, "Completed")
    return Left(phases=dict.fromkeys(names, "Completed"), idle={"eu": 2})


async def gone(tell: Teller) -> Left:
    """A Fleet is deleted: its idle server goes, the busy one finishes, who waits is told."""
    await tell.fleet(warm=1, most=2)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    await tell.bench.delete("fleets", "eu")
    await tell.until_idle(0)
    await tell.stage("deleted")
    await tell.match("m2", limits={"assignSeconds": 3, "joinSeconds": 30, "maxSeconds": 60})
    await tell.until_phase("m2", "Failed")
    await tell.play(found)
    await tell.until_phase("m1", "Completed")
    return Left(phases={"m1": "Completed", "m2": "Failed"}, idle={})


async def rollout(tell: Teller) -> Left:
    """The template changes during a match: idle servers are replaced, the busy one finishes."""
    await tell.fleet(warm=2)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.until_idle(2)
    await tell.stage("ready")
    containers = [{"name": "game", "image": "game:2"}]
    spec = {"spec": {"template": {"spec": {"containers": containers}}}}
    await tell.bench.call("PATCH", tell.bench.path("fleets", "eu"), spec)

    async def is_replaced() -> bool:
        idle = [p for p in tell.seen.now["pods"].values() if observer.is_idle(p)]
        return len(idle) == 2 and {p["spec"]["containers"][0]["image"] for p in idle} == {"game:2"}

    await tell.bench.until(is_replaced, within_s=WITHIN_S, why="the new revision does not come")
    await tell.stage("replaced")
    await tell.play(found)
    await tell.until_phase("m1", "Completed")
    return Left(phases={"m1": "Completed"}, idle={"eu": 2})


async def switch(tell: Teller) -> Left:
    """Of two operators one leads; while a match is played, the Lease is taken from it."""
    await tell.fleet(warm=1)
    await tell.stage("idle")
    found = await tell.ready()
    await tell.stage("ready")
    await tell.match("m2")
    holder = {"spec": {"holderIdentity": "nobody-we-know"}}
    await tell.bench.call("PATCH", tell.bench.lease_path(), holder)
    await tell.play(found)
    await tell.until_phase("m1", "Completed")
    await tell.play(await tell.until_phase("m2", "Ready"))
    await tell.until_phase("m2", "Completed")
    return Left(phases={"m1": "Completed", "m2": "Completed"}, idle={"eu": 1})


STORIES: dict[str, Callable[[Teller], Awaitable[Left]]] = {
    "cold": cold,
    "warm": warm,
    "cancel": cancel,
    "lost": lost,
    "evicted": evicted,
    "decline": decline,
    "ttl": ttl,
    "deleted": deleted,
    "scale": scale,
    "burst": burst,
    "gone": gone,
    "switch": switch,
    "rollout": rollout,
}
REPLICAS = {"switch": 2}
"""Of how many operators a story tells, if not of one."""
WRITES = {
    "cold": 7,
    "warm": 8,
    "cancel": 9,
    "lost": 9,
    "evicted": 8,
    "decline": 13,
    "ttl": 9,
    "deleted": 7,
    "scale": 12,
    "burst": 30,
    "gone": 20,
    "switch": 15,
    "rollout": 15,
}
"""How many writes a story takes when nothing goes wrong, those of Fleets' statuses aside.

For a Fleet whose end nobody heard of, servers are made until its status is written next: a second.
"""
