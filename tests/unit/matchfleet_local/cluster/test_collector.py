"""The collector's requests, carried out until none is left, leave what ownership says."""

import datetime
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from matchfleet_local.cluster import collector, errors, kinds, requests, store

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Room:
    """A store whose collector is asked after every change."""

    def __init__(self) -> None:
        numbers = itertools.count(1)
        self.store = store.Store(kinds.Kinds(), new_uid=lambda: f"{next(numbers):08d}-0")
        self.apply(requests.Create(kinds.NAMESPACES, "", {"metadata": {"name": "x"}}))

    def apply(self, request: requests.Request, now: datetime.datetime = NOW) -> dict[str, Any]:
        outcome = self.store.apply(request, now)
        changes = list(outcome.changes)
        steps = 0
        while changes:
            change = changes.pop(0)
            for step in tuple(collector.after(change, self.store)):
                steps += 1
                assert steps < 1000, "the collector must come to rest"
                try:
                    changes += self.store.apply(step, now).changes
                except errors.NotFound:
                    continue
        return outcome.reply.body

    def make(self, name: str, *owners: dict[str, Any], block: bool = False) -> dict[str, Any]:
        references = [
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "name": owner["metadata"]["name"],
                "uid": owner["metadata"]["uid"],
                "blockOwnerDeletion": block,
            }
            for owner in owners
        ]
        body = {"metadata": {"name": name, "ownerReferences": references}}
        return self.apply(requests.Create(kinds.CONFIG_MAPS, "x", body))

    def delete(self, name: str, policy: requests.Propagation) -> None:
        options = requests.DeleteOptions(propagation=policy)
        self.apply(requests.Delete(requests.Ref(kinds.CONFIG_MAPS, "x", name), options))

    def names(self) -> list[str]:
        return [obj["metadata"]["name"] for obj in self.store.select(kinds.CONFIG_MAPS)]


@given(
    edges=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12),
    doomed=st.integers(0, 7),
    policy=st.sampled_from([requests.Propagation.BACKGROUND, requests.Propagation.FOREGROUND]),
)
def test_exactly_what_has_no_living_owner_goes(
    edges: list[tuple[int, int]], doomed: int, policy: requests.Propagation
) -> None:
    room = Room()
    owners = {n: {a for a, b in edges if b == n and a < n} for n in range(8)}
    made: dict[int, dict[str, Any]] = {}
    for number in range(8):
        made[number] = room.make(f"m{number}", *(made[owner] for owner in owners[number]))
    alive = set(range(8)) - {doomed}
    for number in range(8):
        if owners[number] and not owners[number] & alive:
            alive.discard(number)
    room.delete(f"m{doomed}", policy)
    assert room.names() == [f"m{number}" for number in sorted(alive)]
    for obj in room.store.select(kinds.CONFIG_MAPS):
        for owner in obj["metadata"].get("ownerReferences") or ():
            assert room.store.by_uid(owner["uid"]) is not None


def test_orphans_stay_and_forget_their_owner() -> None:
    room = Room()
    room.make("child", room.make("owner"))
    room.delete("owner", requests.Propagation.ORPHAN)
    (child,) = room.store.select(kinds.CONFIG_MAPS)
    assert "ownerReferences" not in child["metadata"]


def test_an_object_of_an_owner_that_never_was_goes() -> None:
    room = Room()
    room.make("child", {"metadata": {"name": "ghost", "uid": "no-such-uid"}})
    assert room.names() == []


def test_a_namespace_goes_once_it_is_empty() -> None:
    room = Room()
    room.make("a")
    body = {"metadata": {"name": "held", "finalizers": ["a.b/c"]}}
    room.apply(requests.Create(kinds.SECRETS, "x", body))
    namespace = requests.Ref(kinds.NAMESPACES, "", "x")
    room.apply(requests.Delete(namespace))
    assert room.names() == []
    left = room.store.read(namespace)
    assert left is not None
    assert left["status"]["phase"] == "Terminating"
    held = requests.Ref(kinds.SECRETS, "x", "held")
    patch = collector.patches.Patch(collector.patches.MERGE, {"metadata": {"finalizers": None}})
    room.apply(requests.Amend(held, patch))
    assert room.store.read(namespace) is None


def test_old_events_are_swept() -> None:
    room = Room()
    for name, minutes in (("old", 0), ("new", 50)):
        body = {"metadata": {"name": name}, "note": "n"}
        now = NOW + datetime.timedelta(minutes=minutes)
        room.apply(requests.Create(kinds.EVENTS, "x", body), now)
    later = NOW + datetime.timedelta(minutes=61)
    for step in tuple(collector.expired_events(room.store, later, keep_s=3600)):
        room.apply(step)
    left = [event["metadata"]["name"] for event in room.store.select(kinds.CORE_EVENTS)]
    assert left == ["new"]
