"""The objects of the cluster: one counter of versions, and every write as an old and a new object.

`Store.apply(request, now)` is the whole interface. It reads no clock, does no I/O, and returns
the answer together with the changes it made; a refusal is raised as an `ApiError` and changes
nothing. Stored objects are never modified in place, so an answer, a change and the history may
share them.

Versions start at a number the caller derives from its start time. A client that resumes a watch
with a version from an earlier life of the cluster therefore gets 410 and lists again.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any, assert_never

from matchfleet_local.cluster import (
    admission,
    deletion,
    errors,
    kinds,
    metadata,
    patches,
    podspec,
    preconditions,
    requests,
    scaling,
    selection,
    stamps,
    views,
)
from matchfleet_local.cluster.history import Change, EventType, History
from matchfleet_local.cluster.kinds import Kind, StorageKey
from matchfleet_local.cluster.requests import Outcome, Ref, Reply

Obj = dict[str, Any]
Place = tuple[str, str]


class Store:
    """Every object of the cluster.

    Args:
        served: the kinds; stored definitions add to it.
        new_uid: gives each object its identity.
        first_version: where the counter starts; older versions are expired.
        history_limit: changes kept per kind for watches that resume.
    """

    def __init__(
        self,
        served: kinds.Kinds,
        *,
        new_uid: Callable[[], str],
        first_version: int = 1,
        history_limit: int = 4096,
    ) -> None:
        self.kinds = served
        self.version = first_version
        self.history = History(limit=history_limit, floor=first_version)
        self._new_uid = new_uid
        self._objects: dict[StorageKey, dict[Place, Obj]] = {}
        self._by_uid: dict[str, Ref] = {}
        self._owned: dict[str, dict[str, Ref]] = {}
        self._admissions: dict[Kind, admission.Admission] = {}

    # ---- reading ----------------------------------------------------------------------------

    def read(self, ref: Ref) -> Obj | None:
        """The stored object at a place, or None."""
        return self._objects.get(ref.kind.key, {}).get((ref.namespace, ref.name))

    def select(
        self, kind: Kind, namespace: str = "", selector: selection.Selector = selection.ALL
    ) -> Iterator[Obj]:
        """The stored objects of a kind, in the order of namespace and name."""
        for (place, _), obj in sorted(self._objects.get(kind.key, {}).items(), key=lambda i: i[0]):
            if (not namespace or place == namespace) and selector.matches(obj):
                yield obj

    def by_uid(self, uid: str) -> Ref | None:
        """Where the object with this identity is, or None when it is gone."""
        return self._by_uid.get(uid)

    def owned_by(self, uid: str) -> tuple[Ref, ...]:
        """The objects that name this identity among their owners."""
        return tuple(self._owned.get(uid, {}).values())

    # ---- the one way in ---------------------------------------------------------------------

    def apply(self, request: requests.Request, now: datetime.datetime) -> Outcome:
        """Answer a request.

        Raises:
            ApiError: the request is refused; nothing changed.
        """
        match request:
            case requests.Get():
                return Outcome(self._get(request))
            case requests.List():
                return Outcome(self._list(request))
            case requests.Create():
                return self._create(request, now)
            case requests.Replace():
                return self._replace(request, now)
            case requests.Amend():
                return self._amend(request, now)
            case requests.Delete():
                return self._delete(request, now)
            case requests.DeleteCollection():
                return self._delete_collection(request, now)
        assert_never(request)

    def _get(self, request: requests.Get) -> Reply:
        obj = self._existing(request.ref)
        if request.subresource == "scale":
            return Reply(200, scaling.view(request.ref.kind, obj))
        return Reply(200, views.shown(request.ref.kind, obj))

    def _list(self, request: requests.List) -> Reply:
        kind = request.kind
        found = tuple(self.select(kind, request.namespace, request.selector))
        body = {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.api_version,
            "metadata": {"resourceVersion": str(self.version)},
            "items": [views.listed(kind, obj) for obj in found],
        }
        return Reply(200, body, items=tuple(views.shown(kind, obj) for obj in found))

    # ---- creating ---------------------------------------------------------------------------

    def _create(self, request: requests.Create, now: datetime.datetime) -> Outcome:
        kind = request.kind
        metadata.check_type(kind, request.body)
        given = request.body.get("metadata") or {}
        metadata.check_texts(given)
        if given.get("resourceVersion"):
            # The server answers 500 here, not 400.
            raise errors.ApiError("resourceVersion should not be set on objects to be created")
        ref = Ref(kind, self._namespace_for(request), self._name_for(kind, given))
        if self.read(ref) is not None:
            raise errors.AlreadyExists(
                f'{kind.resource} "{ref.name}" already exists', details=ref.details
            )
        created = stamps.text(now)
        fresh = metadata.fresh(
            request.body,
            name=ref.name,
            namespace=ref.namespace,
            uid=self._new_uid(),
            created=created,
        )
        if kind.has_generation:
            fresh["generation"] = 1
        obj = _typed(kind, {**views.kept(kind, request.body), "metadata": fresh})
        admitted = self._admission(kind).create(obj, created)
        self._refuse(ref, metadata.check(fresh) + admitted.causes)
        warnings = preconditions.unknown_fields(kind, admitted.unknown, request.options)
        if request.options.dry_run:
            return Outcome(Reply(201, views.shown(kind, admitted.obj), warnings=warnings))
        change = self._write(ref, admitted.obj, None)
        reply = Reply(201, views.shown(kind, change.obj), warnings=warnings)
        return Outcome(reply, (change,))

    def _namespace_for(self, request: requests.Create) -> str:
        if not request.kind.namespaced:
            return ""
        given = (request.body.get("metadata") or {}).get("namespace")
        if given and given != request.namespace:
            raise errors.BadRequest(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        namespace = self._existing(Ref(kinds.NAMESPACES, "", request.namespace))
        if namespace["metadata"].get("deletionTimestamp"):
            raise errors.Forbidden(
                f"unable to create new content in namespace {request.namespace} because it is "
                "being terminated",
                details={"causes": [{"reason": "NamespaceTerminating"}]},
            )
        return request.namespace

    def _name_for(self, kind: Kind, given: Mapping[str, Any]) -> str:
        if given.get("name"):
            return str(given["name"])
        if given.get("generateName"):
            return f"{given['generateName']}{self._new_uid().replace('-', '')[-5:]}"
        cause = errors.Cause(
            "metadata.name",
            "FieldValueRequired",
            "Required value: name or generateName is required",
        )
        raise errors.Invalid(kind.kind, kind.group, "", causes=(cause,))

    # ---- changing ---------------------------------------------------------------------------

    def _replace(self, request: requests.Replace, now: datetime.datetime) -> Outcome:
        ref, body = request.ref, request.body
        old = self._existing(ref)
        if request.subresource == "scale":
            scaled = scaling.write(ref.kind, old, body)
            version = (body.get("metadata") or {}).get("resourceVersion")
            return self._update(ref, _at(scaled, version), request, now)
        metadata.check_type(ref.kind, body)
        given = body.get("metadata") or {}
        metadata.check_place(given, name=ref.name, namespace=ref.namespace)
        if not given.get("resourceVersion") and not ref.kind.unconditional_update:
            cause = errors.Cause(
                "metadata.resourceVersion",
                "FieldValueInvalid",
                "Invalid value: 0: must be specified for an update",
            )
            raise errors.Invalid(ref.kind.kind, ref.kind.group, ref.name, causes=(cause,))
        return self._update(ref, views.kept(ref.kind, body), request, now)

    def _amend(self, request: requests.Amend, now: datetime.datetime) -> Outcome:
        ref, patch = request.ref, request.patch
        old = self._existing(ref)
        if ref.kind.is_custom and patch.type == patches.STRATEGIC:
            raise errors.UnsupportedMediaType(
                "the body of the request was in an unknown format - accepted media types include: "
                f"{patches.JSON}, {patches.MERGE}"
            )
        if request.subresource == "scale":
            view = patches.apply(patch, scaling.view(ref.kind, old))
            version = view["metadata"].get("resourceVersion")
            scaled = scaling.write(ref.kind, old, view)
            return self._update(ref, _at(scaled, version), request, now)
        patched = patches.apply(patch, views.shown(ref.kind, old))
        metadata.check_type(ref.kind, patched)
        return self._update(ref, views.kept(ref.kind, patched), request, now)

    def _update(
        self,
        ref: Ref,
        given: Obj,
        request: requests.Replace | requests.Amend,
        now: datetime.datetime,
    ) -> Outcome:
        del now
        kind, old = ref.kind, self._existing(ref)
        meta = given.get("metadata") or {}
        metadata.check_texts(meta)
        metadata.check_place(meta, name=ref.name, namespace=ref.namespace)
        # In a PUT the uid is a precondition, in a patch a change of it is judged like any other.
        uid = "" if isinstance(request, requests.Amend) else meta.get("uid") or ""
        preconditions.check(ref, old, uid=uid, version=meta.get("resourceVersion") or "")
        merged = metadata.updated(old["metadata"], meta)
        new = _typed(kind, {**given, "metadata": merged})
        subresource = "" if request.subresource == "scale" else request.subresource
        admitted = self._admission(kind).update(new, old, subresource=subresource)
        new = admitted.obj
        causes = metadata.check(new["metadata"])
        causes += metadata.forbidden_changes(old["metadata"], meta)
        self._refuse(ref, causes + admitted.causes)
        warnings = preconditions.unknown_fields(kind, admitted.unknown, request.options)
        if kind.has_generation and _spec_differs(new, old):
            new = _with_generation(new)
        if new == old or request.options.dry_run:
            return Outcome(self._reply_to(request, new, warnings))
        change = (
            self._erase(ref, new) if deletion.is_finished(kind, new) else self._write(ref, new, old)
        )
        reply = self._reply_to(request, change.obj, warnings)
        return Outcome(reply, (change, *self._after(kind, change)))

    def _reply_to(
        self,
        request: requests.Replace | requests.Amend,
        obj: Obj,
        warnings: tuple[str, ...],
    ) -> Reply:
        kind = request.ref.kind
        if request.subresource == "scale":
            return Reply(200, scaling.view(kind, obj), warnings=warnings)
        return Reply(200, views.shown(kind, obj), warnings=warnings)

    # ---- deleting ---------------------------------------------------------------------------

    def _delete_collection(
        self, request: requests.DeleteCollection, now: datetime.datetime
    ) -> Outcome:
        selected = tuple(self.select(request.kind, request.namespace, request.selector))
        changes: list[Change] = []
        for obj in selected:
            ref = Ref(request.kind, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
            if self.read(ref) is not None:
                changes += self._delete(requests.Delete(ref, request.options), now).changes
        body = {
            "kind": f"{request.kind.kind}List",
            "apiVersion": request.kind.api_version,
            "metadata": {"resourceVersion": str(self.version)},
            "items": [views.listed(request.kind, obj) for obj in selected],
        }
        return Outcome(Reply(200, body), tuple(changes))

    def _delete(self, request: requests.Delete, now: datetime.datetime) -> Outcome:
        ref, options = request.ref, request.options
        kind, old = ref.kind, self._existing(ref)
        deletion.check(ref, old, options)
        grace_s = podspec.grace_s(old, options.grace_s) if kind == kinds.PODS else 0
        doomed = deletion.marked(kind, old, options, grace_s=grace_s, now=now)
        if options.dry_run:
            return Outcome(self._deleted_reply(ref, doomed, gone=False))
        if deletion.is_finished(kind, doomed):
            change = self._erase(ref, doomed)
            return Outcome(
                self._deleted_reply(ref, change.obj, gone=True),
                (change, *self._after(kind, change)),
            )
        if doomed == old:
            return Outcome(self._deleted_reply(ref, old, gone=False))
        change = self._write(ref, doomed, old)
        return Outcome(self._deleted_reply(ref, change.obj, gone=False), (change,))

    def _deleted_reply(self, ref: Ref, obj: Obj, *, gone: bool) -> Reply:
        if not gone or ref.kind == kinds.PODS:
            return Reply(200, views.shown(ref.kind, obj))
        return Reply(
            200,
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Success",
                "details": {**ref.details, "uid": obj["metadata"]["uid"]},
            },
        )

    # ---- the table --------------------------------------------------------------------------

    def _existing(self, ref: Ref) -> Obj:
        obj = self.read(ref)
        if obj is None:
            raise errors.NotFound(
                f'{ref.kind.resource} "{ref.name}" not found', details=ref.details
            )
        return obj

    def _admission(self, kind: Kind) -> admission.Admission:
        # A kind whose definition was replaced compares equal to its older self; `after` drops it.
        if kind not in self._admissions:
            self._admissions[kind] = admission.for_kind(kind)
        return self._admissions[kind]

    def _refuse(self, ref: Ref, causes: tuple[errors.Cause, ...]) -> None:
        if causes:
            raise errors.Invalid(ref.kind.kind, ref.kind.group, ref.name, causes=causes)

    def _write(self, ref: Ref, obj: Obj, old: Obj | None) -> Change:
        self.version += 1
        stored = _at(obj, str(self.version))
        self._objects.setdefault(ref.kind.key, {})[ref.namespace, ref.name] = stored
        self._index(ref, stored, old)
        kind = EventType.ADDED if old is None else EventType.MODIFIED
        change = Change(self.version, kind, ref.kind.key, stored, old)
        self.history.record(change)
        if ref.kind == kinds.CRDS:
            self._serve(stored)
        return change

    def _erase(self, ref: Ref, last: Obj) -> Change:
        self.version += 1
        old = self._objects[ref.kind.key].pop((ref.namespace, ref.name))
        self._index(ref, None, old)
        stored = _at(last, str(self.version))
        change = Change(self.version, EventType.DELETED, ref.kind.key, stored, old)
        self.history.record(change)
        return change

    def _index(self, ref: Ref, new: Obj | None, old: Obj | None) -> None:
        if old is not None:
            uid = old["metadata"]["uid"]
            del self._by_uid[uid]
            for owner in _owner_uids(old):
                self._owned[owner].pop(uid)
                if not self._owned[owner]:
                    del self._owned[owner]
        if new is not None:
            uid = new["metadata"]["uid"]
            self._by_uid[uid] = ref
            for owner in _owner_uids(new):
                self._owned.setdefault(owner, {})[uid] = ref

    def _serve(self, definition: Obj) -> None:
        spec = definition["spec"]
        self.kinds.drop(spec["group"], spec["names"]["plural"])
        for kind in kinds.from_definition(definition):
            self._admissions.pop(kind, None)
            self.kinds.add(kind)

    def _after(self, kind: Kind, change: Change) -> tuple[Change, ...]:
        """A definition takes its objects with it."""
        if kind != kinds.CRDS or change.type is not EventType.DELETED:
            return ()
        spec = change.obj["spec"]
        changes: list[Change] = []
        for custom in kinds.from_definition(change.obj):
            self._admissions.pop(custom, None)
            for obj in tuple(self.select(custom)):
                meta = obj["metadata"]
                changes.append(
                    self._erase(Ref(custom, meta.get("namespace", ""), meta["name"]), obj)
                )
        self.kinds.drop(spec["group"], spec["names"]["plural"])
        return tuple(changes)


def _owner_uids(obj: Obj) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ())
    )


def _typed(kind: Kind, obj: Mapping[str, Any]) -> Obj:
    """The object with its type written first, as it is stored."""
    rest = {key: value for key, value in obj.items() if key not in {"apiVersion", "kind"}}
    return {"apiVersion": kind.api_version, "kind": kind.kind, **rest}


def _at(obj: Obj, version: str | None) -> Obj:
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": version}}


def _spec_differs(new: Obj, old: Obj) -> bool:
    aside = {"metadata", "status"}
    return {k: v for k, v in new.items() if k not in aside} != {
        k: v for k, v in old.items() if k not in aside
    }


def _with_generation(obj: Obj) -> Obj:
    meta = obj["metadata"]
    return {**obj, "metadata": {**meta, "generation": meta.get("generation", 0) + 1}}
