"""An API server in memory, as far as the operator uses one, with a kubelet that tests play by hand.

It keeps what a real one keeps: resource versions and uids with their preconditions, the status
subresource, finalizers, graceful deletion, and the rules of the Match schema that depend on what
was there before. `faults` is called around each write, to make one fail before or after it counts.
"""

import copy
import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from matchfleet_contracts import clock
from matchfleet_contracts.resources import GAME_CONTAINER
from matchfleet_operator import errors
from matchfleet_operator.acting import kube
from matchfleet_operator.acting.kube import Kind, Listing, Object

Watcher = Callable[[Kind, str, Object], None]
Fault = Callable[[str, Kind, str, str], None]
_TERMINAL = {"Completed", "Failed", "Cancelled"}


@dataclass(slots=True)
class FakeClock:
    """A clock that stands until it is moved."""

    at: datetime.datetime

    def now(self) -> datetime.datetime:
        """The time it was set to."""
        return self.at

    def pass_s(self, seconds: float) -> None:
        """Moves it forward."""
        self.at += datetime.timedelta(seconds=seconds)


def _no_fault(verb: str, kind: Kind, name: str, when: str) -> None:
    """Nothing goes wrong."""


@dataclass(slots=True)
class FakeApi:
    """Objects by kind and name; `watchers` are told of each change as it happens."""

    clock: FakeClock
    faults: Fault = _no_fault
    watchers: list[Watcher] = field(default_factory=list)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    objects: dict[str, dict[str, Object]] = field(default_factory=dict)
    version: int = 100
    uids: int = 0

    # ---- what the operator calls

    async def get(self, kind: Kind, name: str) -> Object:
        """The object now."""
        return copy.deepcopy(self._found(kind, name))

    async def list_all(self, kind: Kind, *, selector: str = "") -> Listing:
        """All objects now; the selector is one label with its value."""
        key, _, value = selector.partition("=")
        items = [
            copy.deepcopy(o)
            for o in self._of(kind).values()
            if not selector or (o["metadata"].get("labels") or {}).get(key) == value
        ]
        return Listing(items=items, version=self.version)

    async def create(self, kind: Kind, body: Object) -> Object:
        """Creates an object."""
        name = body["metadata"]["name"]
        self.faults("create", kind, name, "before")
        if name in self._of(kind):
            raise errors.AlreadyExists(f"{name} exists", status=409)
        self.writes.append(("create", kind.plural, name))
        made = self.put(kind, body)
        self.faults("create", kind, name, "after")
        return made

    async def patch(self, kind: Kind, name: str, body: Object, *, part: str = "") -> Object:
        """Merges a patch."""
        self.faults("patch", kind, name, "before")
        old = self._found(kind, name)
        self._check(old, body["metadata"].get("uid"), body["metadata"].get("resourceVersion"))
        new = copy.deepcopy(old)
        has_status = kind in {kube.MATCHES, kube.FLEETS, kube.PODS}
        for key, value in body.items():
            if key == "metadata" and not part:
                meta = {k: v for k, v in value.items() if k not in {"uid", "resourceVersion"}}
                _merge(new["metadata"], meta)
            elif key != "metadata" and (not has_status or (key == "status") == bool(part)):
                new[key] = _merged(new.get(key), value)
        self._admit(kind, old, new)
        self.writes.append(("patch", kind.plural, name))
        done = self._commit(kind, new)
        self._sweep(kind, name)
        self.faults("patch", kind, name, "after")
        return done

    async def delete(
        self,
        kind: Kind,
        name: str,
        *,
        uid: str,
        version: int | None = None,
        grace_s: int | None = None,
    ) -> Object | None:
        """Deletes an object, or begins to."""
        self.faults("delete", kind, name, "before")
        old = self._found(kind, name)
        self._check(old, uid, None if version is None else str(version))
        self.writes.append(("delete", kind.plural, name))
        self.begin_deletion(kind, name, grace_s=grace_s)
        self.faults("delete", kind, name, "after")
        left = self._of(kind).get(name)
        return copy.deepcopy(left) if left is not None else None

    # ---- what tests do

    def put(self, kind: Kind, body: Object) -> Object:
        """Creates an object as anybody but the operator would."""
        new = copy.deepcopy(body)
        self.uids += 1
        new["metadata"] |= {
            "uid": f"{kind.plural}-{self.uids}",
            "creationTimestamp": clock.rfc3339(self.clock.now()),
            "generation": 1,
        }
        if kind is kube.MATCHES:
            new.setdefault("status", {"phase": "Pending"})
        if kind is kube.PODS:
            new.setdefault("status", {"phase": "Pending"})
        return self._commit(kind, new)

    def change(self, kind: Kind, name: str, body: Object) -> Object:
        """Merges into an object as anybody but the operator would, status included."""
        new = copy.deepcopy(self._found(kind, name))
        _merge(new, body)
        return self._commit(kind, new)

    def begin_deletion(self, kind: Kind, name: str, *, grace_s: int | None = None) -> None:
        """Deletes an object as anybody would; a pod gets its grace."""
        new = copy.deepcopy(self._found(kind, name))
        meta = new["metadata"]
        grace = self._grace(new, grace_s) if kind is kube.PODS else 0
        known = meta.get("deletionGracePeriodSeconds")
        if known is None or grace < known:
            due = self.clock.now() + datetime.timedelta(seconds=grace)
            meta["deletionTimestamp"] = clock.rfc3339(due)
            meta["deletionGracePeriodSeconds"] = grace
            self._commit(kind, new)
        self._sweep(kind, name)

    def run_pod(self, name: str, *, ip: str = "10.0.0.9") -> None:
        """The kubelet started the pod and it is ready."""
        at = clock.rfc3339(self.clock.now())
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": at}
        status = {"phase": "Running", "podIP": ip, "startTime": at, "conditions": [ready]}
        running = {"name": GAME_CONTAINER, "state": {"running": {"startedAt": at}}}
        self.change(kube.PODS, name, {"status": status | {"containerStatuses": [running]}})

    def end_pod(
        self, name: str, *, message: str = "", exit_code: int = 0, reason: str = "Completed"
    ) -> None:
        """The game ended and the kubelet says so; a pod being deleted is finished with."""
        at = clock.rfc3339(self.clock.now())
        ended = {"exitCode": exit_code, "reason": reason, "message": message, "finishedAt": at}
        unready = {"type": "Ready", "status": "False", "lastTransitionTime": at}
        status = {
            "phase": "Failed" if exit_code else "Succeeded",
            "conditions": [unready],
            "containerStatuses": [{"name": GAME_CONTAINER, "state": {"terminated": ended}}],
        }
        self.change(kube.PODS, name, {"status": status})
        if "deletionTimestamp" in self._found(kube.PODS, name)["metadata"]:
            self.begin_deletion(kube.PODS, name, grace_s=0)

    def collect_garbage(self) -> None:
        """Deletes what belongs to nobody any more, as the garbage collector would."""
        uids = {
            o["metadata"]["uid"] for k in (kube.MATCHES, kube.FLEETS) for o in self._of(k).values()
        }
        for kind in (kube.PODS, kube.CONTROLLER_REVISIONS):
            for name, owned in list(self._of(kind).items()):
                owners = owned["metadata"].get("ownerReferences") or []
                if owners and not any(o["uid"] in uids for o in owners):
                    self.begin_deletion(kind, name)

    def everything(self, kind: Kind) -> list[Object]:
        """Every object of a kind."""
        return list(self._of(kind).values())

    def one(self, kind: Kind, name: str) -> Object:
        """An object by name."""
        return self._found(kind, name)

    # ---- how it works

    def _of(self, kind: Kind) -> dict[str, Object]:
        return self.objects.setdefault(kind.plural, {})

    def _found(self, kind: Kind, name: str) -> Object:
        try:
            return self._of(kind)[name]
        except KeyError:
            raise errors.NotFound(f"{kind.plural} {name} not found", status=404) from None

    def _commit(self, kind: Kind, new: Object) -> Object:
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        name = new["metadata"]["name"]
        is_new = name not in self._of(kind)
        self._of(kind)[name] = new
        self._tell(kind, "ADDED" if is_new else "MODIFIED", new)
        return copy.deepcopy(new)

    def _sweep(self, kind: Kind, name: str) -> None:
        """Removes an object whose deletion nothing holds up any more."""
        found = self._of(kind).get(name)
        if found is None:
            return
        meta = found["metadata"]
        if (
            "deletionTimestamp" in meta
            and not meta.get("finalizers")
            and not meta.get("deletionGracePeriodSeconds")
        ):
            del self._of(kind)[name]
            self.version += 1
            found = copy.deepcopy(found)
            found["metadata"]["resourceVersion"] = str(self.version)
            self._tell(kind, "DELETED", found)

    def _tell(self, kind: Kind, change: str, found: Object) -> None:
        for watcher in self.watchers:
            watcher(kind, change, copy.deepcopy(found))

    @staticmethod
    def _check(old: Object, uid: Any, version: Any) -> None:
        meta = old["metadata"]
        if uid not in (None, meta["uid"]) or version not in (None, meta["resourceVersion"]):
            raise errors.Conflict("the object has been modified", status=409)

    @staticmethod
    def _grace(pod: Object, asked: int | None) -> int:
        if pod["status"].get("phase") in {"Succeeded", "Failed"}:
            return 0
        if asked is not None:
            return asked
        grace: int = pod["spec"].get("terminationGracePeriodSeconds", 30)
        return grace

    @staticmethod
    def _admit(kind: Kind, old: Object, new: Object) -> None:
        before, after = old["metadata"], new["metadata"]
        added = set(after.get("finalizers") or ()) - set(before.get("finalizers") or ())
        if "deletionTimestamp" in before and added:
            raise errors.Refused("no new finalizers can be added", status=422)
        if kind is not kube.MATCHES:
            return
        was, now = old["status"], new["status"]
        if was["phase"] in _TERMINAL and now["phase"] != was["phase"]:
            raise errors.Refused("a Match that ended stays as it ended", status=422)
        fixed = was["phase"] in _TERMINAL | {"Ready"}
        if fixed and now.get("server") != was.get("server"):
            raise errors.Refused("the server may change only before Ready", status=422)


def _merge(target: Object, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        else:
            target[key] = _merged(target.get(key), value)


def _merged(old: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        return copy.deepcopy(value)
    new = dict(old) if isinstance(old, dict) else {}
    _merge(new, value)
    return new
