"""What must hold whatever went wrong, judged from all the API server held and all that was told.

I1 a recorded result is never lost, I5 each match ends once, I6 at most one live server a match and
only its result counts, I7 no pod outlives its match; and nothing is left that nobody wants.
"""

from collections.abc import Iterable, Iterator, Sequence

from chaos import observer
from chaos.observer import Object, Observer, Seen
from chaos.stories import Left, Teller
from matchfleet_contracts import events, results

TERMINAL = frozenset({"Completed", "Failed", "Cancelled"})


def unsettled(seen: Observer, left: Left, fleets: Sequence[Object]) -> str:
    """What is not yet as it should be left; empty if all is."""
    matches, pods = seen.now["matches"], list(seen.now["pods"].values())
    for name, phase in left.phases.items():
        match = matches.get(name)
        if (match is None) != (phase is None):
            return f"{name} is {'gone' if match is None else 'there'}"
        if match is not None and match["status"]["phase"] != phase:
            return f"{name} is {match['status']['phase']}, not {phase}"
        if match is not None and not _is_published(match):
            return f"the end of {name} is not marked as told"
    for pod in pods:
        if observer.claimed_for(pod) or pod["metadata"].get("finalizers"):
            return f"pod {pod['metadata']['name']} is left"
        if not observer.is_idle(pod):
            return f"pod {pod['metadata']['name']} is neither idle nor gone"
    if len(pods) != sum(left.idle.values()):
        return f"there are {len(pods)} servers and {left.idle} are wanted"
    for fleet in fleets:
        status, name = fleet.get("status") or {}, fleet["metadata"]["name"]
        counts = tuple(status.get(c, 0) for c in ("idle", "starting", "busy", "waiting"))
        if counts != (left.idle.get(name, 0), 0, 0, 0):
            return f"fleet {name} says (idle, starting, busy, waiting) = {counts}"
    return ""


def _is_published(match: Object) -> bool:
    said = match["status"].get("conditions", ())
    return any(c["type"] == "ResultPublished" and c["status"] == "True" for c in said)


def broken(
    seen: Observer, tell: Teller, left: Left, published: Sequence[events.Event]
) -> Iterator[str]:
    """Every truth that did not hold, in words."""
    history = seen.in_order()
    yield from _ends(s for s in history if s.plural == "matches")
    yield from _servers(history, tell.bench.game.playing)
    yield from _told(tell, left, published)


def _ends(history: Iterable[Seen]) -> Iterator[str]:
    """I5: an end is final, and a Match that is Ready keeps its server."""
    phases: dict[str, str] = {}
    servers: dict[str, str] = {}
    for seen in history:
        status, uid = seen.found["status"], seen.found["metadata"]["uid"]
        name, phase = seen.found["metadata"]["name"], status["phase"]
        if phases.get(uid, phase) != phase:
            yield f"I5: {name} ended as {phases[uid]} and is {phase} at {seen.version}"
        if phase in TERMINAL:
            phases[uid] = phase
        server = (status.get("server") or {}).get("podUID", "")
        if uid in servers and servers[uid] != server:
            yield f"I6: {name} was Ready on {servers[uid]} and is on {server} at {seen.version}"
        if phase == "Ready":
            servers[uid] = server


def _servers(history: Iterable[Seen], playing: dict[str, str]) -> Iterator[str]:
    """I6: while a Match is Ready, no other live server plays it, and its server nothing else."""
    pods: dict[str, Object] = {}
    ready: dict[str, str] = {}
    for seen in history:
        uid = seen.found["metadata"]["uid"]
        if seen.plural == "pods":
            pods[uid] = seen.found
            if seen.change == "DELETED":
                del pods[uid]
        elif seen.found["status"]["phase"] == "Ready":
            ready[uid] = seen.found["status"]["server"]["podUID"]
            if playing.get(ready[uid]) != uid:
                yield f"I6: {seen.found['metadata']['name']} is Ready and its server did not agree"
        else:
            ready.pop(uid, None)
        for match, server in ready.items():
            others = [u for u, p in pods.items() if _plays(p, match, playing) and u != server]
            if others:
                yield f"I6: match {match} is played by {server} and {others} at {seen.version}"


def _plays(pod: Object, match: str, playing: dict[str, str]) -> bool:
    return observer.is_live(pod) and playing.get(pod["metadata"]["uid"]) == match


def _told(tell: Teller, left: Left, published: Sequence[events.Event]) -> Iterator[str]:
    """I1, I5: each end is told under one id with one content, a result as it was written."""
    ends = [(e, e.data) for e in published if isinstance(e.data, events.MatchEnded)]
    for name, uid in tell.uids.items():
        told = [(event, end) for event, end in ends if end.match_uid == uid]
        if not told:
            yield f"I1: nobody was told how {name} ended"
            continue
        if any(other != told[0] for other in told):
            yield f"I5: the end of {name} was told in several ways: {told}"
        end = told[0][1]
        wanted = left.told.get(name) or (left.phases[name] or "").lower()
        if end.ended_as.value != wanted:
            yield f"I5: {name} was told as {end.ended_as.value}, not {wanted}"
        written = tell.played.get(uid)
        if written is not None and end.result != results.decode(written.encode()):
            yield f"I1: the result of {name} was told as {end.result}"
