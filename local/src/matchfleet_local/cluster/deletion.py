"""How an object goes: marked, held by finalizers and grace, and finished. Pure.

Deletion is a state of the object: `deletionTimestamp` is set once and never taken back, finalizers
hold the object, and a pod has the seconds of its grace. Only when nothing holds it any more is the
object erased.
"""

import datetime
from typing import Any

from matchfleet_local.cluster import errors, kinds, requests, stamps
from matchfleet_local.cluster.kinds import Kind
from matchfleet_local.cluster.requests import Ref

Obj = dict[str, Any]

_PROTECTED_NAMESPACES = frozenset({"default", "kube-system"})
_FINALIZERS = {
    requests.Propagation.FOREGROUND: "foregroundDeletion",
    requests.Propagation.ORPHAN: "orphan",
}


def check(ref: Ref, old: Obj, options: requests.DeleteOptions) -> None:
    """Refuse to delete something else than the client means, or what must stay.

    Raises:
        Conflict: uid or version are not those of the options.
        Forbidden: a namespace of the system.
    """
    if ref.kind == kinds.NAMESPACES and ref.name in _PROTECTED_NAMESPACES:
        raise errors.Forbidden(
            f'namespaces "{ref.name}" is forbidden: this namespace may not be deleted',
            details=ref.details,
        )
    meta = old["metadata"]
    name = f"{ref.kind.kind}.{ref.kind.group}" if ref.kind.group else ref.kind.kind
    prefix = f'Operation cannot be fulfilled on {name} "{ref.name}": '
    if options.uid and options.uid != meta["uid"]:
        raise errors.Conflict(
            f"{prefix}the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({meta['uid']}). The object might have been deleted and then recreated",
            details=ref.details,
        )
    if options.version and options.version != meta["resourceVersion"]:
        raise errors.Conflict(
            f"{prefix}the ResourceVersion in the precondition ({options.version}) does not match "
            f"the ResourceVersion in record ({meta['resourceVersion']}). The object might have "
            "been modified",
            details=ref.details,
        )


def marked(
    kind: Kind, old: Obj, options: requests.DeleteOptions, *, grace_s: int, now: datetime.datetime
) -> Obj:
    """The object as its deletion begins, or goes on with less grace."""
    meta = dict(old["metadata"])
    started = bool(meta.get("deletionTimestamp"))
    if started:
        left = meta.get("deletionGracePeriodSeconds") or 0
        if kind == kinds.PODS and grace_s < left and options.grace_s is not None:
            meta["deletionGracePeriodSeconds"] = grace_s
        return {**old, "metadata": meta}
    meta["deletionTimestamp"] = stamps.text(now + datetime.timedelta(seconds=grace_s))
    meta["deletionGracePeriodSeconds"] = grace_s
    if "generation" in meta:
        meta["generation"] += 1
    finalizer = _FINALIZERS.get(options.propagation)
    if finalizer and finalizer not in (meta.get("finalizers") or ()):
        meta["finalizers"] = [*(meta.get("finalizers") or ()), finalizer]
    marked = {**old, "metadata": meta}
    if kind == kinds.NAMESPACES:
        marked["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
    return marked


def is_finished(kind: Kind, obj: Obj) -> bool:
    """Whether nothing holds a deleted object any more."""
    meta = obj["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers"):
        return False
    if kind == kinds.NAMESPACES and (obj.get("spec") or {}).get("finalizers"):
        return False
    return not meta.get("deletionGracePeriodSeconds")
