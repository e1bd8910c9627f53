"""What became of each Match of the load, by its own watch, and whether every claim was right.

A claim is wrong when a Match that should have got a server did not, when two Matches were Ready on
one server, when a Match moved after it was Ready, or when its server had agreed to another one.
"""

import asyncio
import time
from dataclasses import dataclass, field

from tests.bench.matchfleet_operator import api
from tests.bench.matchfleet_operator.games import Games

TERMINAL = frozenset({"Completed", "Failed", "Cancelled"})


@dataclass(slots=True)
class Life:
    """When things happened to one Match (perf_counter), and on which server."""

    asked_at: float
    uid: str = ""
    pod: str = ""
    pod_uid: str = ""
    ready_at: float | None = None
    ended_at: float | None = None
    gone_at: float | None = None
    phase: str = "Pending"
    reason: str = ""


@dataclass(slots=True)
class Ledger:
    """All Matches of one part of the bench."""

    games: Games | None = None
    """The servers, where the bench plays them; real ones are taken at their word."""
    lives: dict[str, Life] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    newly_ready: "asyncio.Queue[tuple[str, Life]]" = field(default_factory=asyncio.Queue)
    _by_pod: dict[str, str] = field(default_factory=dict)
    ready: int = 0
    ended: int = 0
    gone: int = 0

    def ask(self, name: str) -> None:
        """A Match is about to be created."""
        self.lives[name] = Life(asked_at=time.perf_counter())

    def tell(self, change: str, match: api.Seen, at: float) -> None:
        """A change to a Match, as the watch tells it."""
        name = match.metadata.name
        life = self.lives.get(name)
        if life is None:
            return
        life.uid = match.metadata.uid
        status = match.status
        if status.phase == "Ready":
            self._ready(name, life, match, at)
        elif status.phase in TERMINAL and life.ended_at is None:
            life.ended_at = at
            self.ended += 1
            if status.phase != "Completed":
                self.wrong.append(f"{name}: {status.phase} ({status.reason})")
        life.phase, life.reason = status.phase, status.reason
        if change == "DELETED" and life.gone_at is None:
            life.gone_at = at
            self.gone += 1

    def _ready(self, name: str, life: Life, match: api.Seen, at: float) -> None:
        server = match.status.server
        if server is None:
            self.wrong.append(f"{name}: Ready without a server")
            return
        if life.ready_at is None:
            life.ready_at, life.pod, life.pod_uid = at, server.pod, server.podUID
            self.ready += 1
            self._check(name, life)
            self.newly_ready.put_nowait((name, life))
        elif life.pod_uid != server.podUID:
            self.wrong.append(f"{name}: moved from {life.pod} to {server.pod} while Ready")

    def _check(self, name: str, life: Life) -> None:
        other = self._by_pod.setdefault(life.pod_uid, name)
        if other != name:
            self.wrong.append(f"{name}: on the server of {other}")
        agreed = self.games.playing.get(life.pod_uid) if self.games is not None else life.uid
        if agreed != life.uid:
            self.wrong.append(f"{name}: its server agreed to {agreed}")

    def lost(self) -> list[str]:
        """Matches that never were Ready."""
        return [name for name, life in self.lives.items() if life.ready_at is None]

    def claim_ms(self) -> list[float]:
        """From asked for to Ready, in milliseconds, sorted."""
        return sorted(
            1000 * (life.ready_at - life.asked_at)
            for life in self.lives.values()
            if life.ready_at is not None
        )

    def claims_per_s(self) -> float:
        """Matches per second from the first asked for to the last Ready."""
        lives = self.lives.values()
        began = min(life.asked_at for life in lives)
        return len(lives) / (max(life.ready_at or 0.0 for life in lives) - began)

    def lives_per_s(self) -> float:
        """Lives per second, from the first that was over and cleaned up to the last."""
        gone = sorted(life.gone_at for life in self.lives.values() if life.gone_at is not None)
        return (len(gone) - 1) / (gone[-1] - gone[0])
