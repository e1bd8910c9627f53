"""What follows from a change: owned objects go with their owners, namespaces empty themselves.

This is the part of kube-controller-manager that Matchfleet leans on. Each function looks at the
store and returns the requests that a controller would send; carried out twice they do no harm,
because every delete names the uid it means.
"""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from matchfleet_local.cluster import kinds, patches, requests, stamps
from matchfleet_local.cluster.history import Change, EventType
from matchfleet_local.cluster.requests import Ref
from matchfleet_local.cluster.store import Store

Obj = Mapping[str, Any]
Requests = Iterator[requests.Request]


def after(change: Change, store: Store) -> Requests:
    """The requests that follow from a change."""
    meta = change.obj["metadata"]
    if change.type is EventType.DELETED:
        for dependent in store.owned_by(meta["uid"]):
            yield from _judge_owners(dependent, store)
        for owner in meta.get("ownerReferences") or ():
            yield from _release_owner(owner["uid"], store)
    elif (ref := store.by_uid(meta["uid"])) is not None:
        yield from _judge_owners(ref, store)
        yield from _release_owner(meta["uid"], store)
    yield from _emptied_namespace(change, store)


def _judge_owners(ref: Ref, store: Store) -> Requests:
    """Delete an object whose owners are all gone; else forget the owners that are."""
    obj = store.read(ref)
    if obj is None or obj["metadata"].get("deletionTimestamp"):
        return
    owners = obj["metadata"].get("ownerReferences") or []
    present = [owner for owner in owners if store.by_uid(owner["uid"]) is not None]
    solid = [owner for owner in present if not _is_dying_first(owner["uid"], store)]
    if owners and not solid:
        yield _delete(ref, obj)
    elif len(present) < len(owners):
        yield _forget_owners(ref, obj, present)


def _is_dying_first(uid: str, store: Store) -> bool:
    """Whether an owner waits for the objects it owns to go first."""
    ref = store.by_uid(uid)
    owner = store.read(ref) if ref is not None else None
    return owner is not None and "foregroundDeletion" in (owner["metadata"].get("finalizers") or ())


def _release_owner(uid: str, store: Store) -> Requests:
    """Take the collector's own finalizers off an owner when their work is done."""
    ref = store.by_uid(uid)
    owner = store.read(ref) if ref is not None else None
    if ref is None or owner is None or not owner["metadata"].get("deletionTimestamp"):
        return
    finalizers = owner["metadata"].get("finalizers") or []
    dependents = store.owned_by(uid)
    if "orphan" in finalizers:
        for dependent in dependents:
            yield from _orphan(dependent, uid, store)
        yield _without_finalizer(ref, owner, "orphan")
    if "foregroundDeletion" in finalizers:
        for dependent in dependents:
            yield from _judge_owners(dependent, store)
        if not any(_blocks(dependent, uid, store) for dependent in dependents):
            yield _without_finalizer(ref, owner, "foregroundDeletion")


def _orphan(ref: Ref, owner_uid: str, store: Store) -> Requests:
    obj = store.read(ref)
    if obj is not None:
        owners = obj["metadata"]["ownerReferences"]
        yield _forget_owners(ref, obj, [o for o in owners if o["uid"] != owner_uid])


def _blocks(ref: Ref, owner_uid: str, store: Store) -> bool:
    obj = store.read(ref)
    owners = obj["metadata"]["ownerReferences"] if obj else ()
    return any(o["uid"] == owner_uid and o.get("blockOwnerDeletion") for o in owners)


def _delete(ref: Ref, obj: Obj) -> requests.Delete:
    return requests.Delete(ref, requests.DeleteOptions(uid=obj["metadata"]["uid"]))


def _forget_owners(ref: Ref, obj: Obj, owners: list[Any]) -> requests.Amend:
    return _metadata_patch(ref, obj, {"ownerReferences": owners or None})


def _without_finalizer(ref: Ref, obj: Obj, finalizer: str) -> requests.Amend:
    rest = [name for name in obj["metadata"]["finalizers"] if name != finalizer]
    return _metadata_patch(ref, obj, {"finalizers": rest or None})


def _metadata_patch(ref: Ref, obj: Obj, fields: dict[str, Any]) -> requests.Amend:
    body = {"metadata": {"uid": obj["metadata"]["uid"], **fields}}
    return requests.Amend(ref, patches.Patch(patches.MERGE, body))


# ---- namespaces -----------------------------------------------------------------------------


def _emptied_namespace(change: Change, store: Store) -> Requests:
    name = change.name if change.key == kinds.NAMESPACES.key else change.namespace
    ref = Ref(kinds.NAMESPACES, "", name)
    namespace = store.read(ref) if name else None
    if namespace is None or not namespace["metadata"].get("deletionTimestamp"):
        return
    left = tuple(_content(name, store))
    for content, obj in left:
        if not obj["metadata"].get("deletionTimestamp"):
            yield _delete(content, obj)
    if not left and namespace["spec"].get("finalizers"):
        yield requests.Replace(ref, {**namespace, "spec": {"finalizers": []}}, "finalize")


def _content(namespace: str, store: Store) -> Iterator[tuple[Ref, Obj]]:
    kinds_by_storage = {kind.key: kind for kind in store.kinds.all() if kind.namespaced}
    for kind in kinds_by_storage.values():
        for obj in store.select(kind, namespace):
            yield Ref(kind, namespace, obj["metadata"]["name"]), obj


# ---- events ---------------------------------------------------------------------------------


def expired_events(store: Store, now: datetime.datetime, *, keep_s: float) -> Requests:
    """Delete the Events that are older than the API keeps them."""
    limit = now - datetime.timedelta(seconds=keep_s)
    for event in tuple(store.select(kinds.CORE_EVENTS)):
        meta = event["metadata"]
        if stamps.moment(meta["creationTimestamp"]) < limit:
            yield _delete(Ref(kinds.CORE_EVENTS, meta["namespace"], meta["name"]), event)
