"""Which processes are ours, whether they still live, and how they are ended.

A pid alone proves nothing: numbers are used again. A process is known by its pid and the kernel's
start time of it, so a pid file that a killed run left can be trusted to end that run's server and
never a stranger's.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Identity:
    """One process for good: `start_time` is in clock ticks since boot (proc(5), field 22)."""

    pid: int
    start_time: int


@dataclass(frozen=True, slots=True)
class Status:
    """What /proc/PID/stat says, as far as we care."""

    state: str
    parent: int
    start_time: int


def parse(stat: str) -> Status:
    """Read the text of /proc/PID/stat; a program's name in it may hold spaces and brackets."""
    fields = stat[stat.rindex(")") + 2 :].split()
    return Status(state=fields[0], parent=int(fields[1]), start_time=int(fields[19]))


def status(pid: int) -> Status | None:
    """Look a process up; None when it is gone."""
    try:
        return parse((PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def identify(pid: int) -> Identity | None:
    """Name a process for good; None when it is gone."""
    found = status(pid)
    return Identity(pid, found.start_time) if found else None


def is_alive(identity: Identity) -> bool:
    """Whether this very process still runs; one that waits to be reaped does not."""
    found = status(identity.pid)
    return bool(found and found.start_time == identity.start_time and found.state not in "ZX")


def family(identity: Identity) -> tuple[Identity, ...]:
    """A process and all its descendants, eldest first."""
    if not is_alive(identity):
        return ()
    children: dict[int, list[Identity]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (found := status(int(entry.name))):
            member = Identity(int(entry.name), found.start_time)
            children.setdefault(found.parent, []).append(member)
    members = [identity]
    for member in members:
        members.extend(children.get(member.pid, ()))
    return tuple(members)


def send(identity: Identity, what: signal.Signals) -> None:
    """Signal this very process; one that is gone needs none."""
    with contextlib.suppress(ProcessLookupError):
        if is_alive(identity):
            os.kill(identity.pid, what)


async def gone(identities: Iterable[Identity], *, within_s: float) -> bool:
    """Wait until all have ended; False when time runs out first.

    It waits on pidfds, so it costs nothing meanwhile and works for processes that are not our
    children.
    """
    try:
        async with asyncio.timeout(within_s):
            for identity in identities:
                await _ended(identity)
    except TimeoutError:
        return False
    return True


async def end(identity: Identity, *, asking: signal.Signals, within_s: float) -> None:
    """End a process and its descendants: asked first, then forced."""
    members = family(identity)
    send(identity, asking)
    if not await gone(members, within_s=within_s):
        await fell(identity)
        await kill(members)


async def kill(members: Iterable[Identity]) -> None:
    """End processes at once, and wait until the kernel has let go of them."""
    members = tuple(members)
    for member in members:
        send(member, signal.SIGKILL)
    await gone(members, within_s=30.0)


async def fell(identity: Identity) -> None:
    """End a process and all its descendants at once, also those that it is just making.

    Each is stopped first: a stopped process makes no more children, so that a family that does not
    grow between two looks is whole.
    """
    known: frozenset[Identity] = frozenset()
    while fresh := frozenset(family(identity)) - known:
        for member in fresh:
            send(member, signal.SIGSTOP)
        known |= fresh
    await kill(known)


async def _ended(identity: Identity) -> None:
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    try:
        if is_alive(identity):
            loop.add_reader(handle, done.set)
            try:
                await done.wait()
            finally:
                loop.remove_reader(handle)
    finally:
        os.close(handle)
