"""The rules every object's metadata obeys, whatever its kind.

The server owns uid, creationTimestamp, generation, resourceVersion and the deletion fields: what
a client sends for them is a precondition or is ignored, never stored.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from matchfleet_local.cluster import errors
from matchfleet_local.cluster.errors import Cause
from matchfleet_local.cluster.kinds import Kind

_OWNED_BY_SERVER = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "generateName",
    "name",
    "namespace",
)
_NEVER_STORED = ("managedFields", "selfLink")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_QUALIFIED = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_MAX_NAME = 253
_MAX_LABEL_VALUE = 63
_MAX_ANNOTATIONS_BYTES = 256 * 1024


def check_type(kind: Kind, body: Mapping[str, Any]) -> None:
    """Refuse a body that says it is of another type.

    Raises:
        BadRequest: apiVersion or kind differ from the URL's.
    """
    version, name = body.get("apiVersion"), body.get("kind")
    if kind.is_custom and not (version and name):
        field = "apiVersion" if name else "Kind"
        raise errors.BadRequest(
            f"the object provided is unrecognized (must be of type {kind.kind}): "
            f"Object '{field}' is missing"
        )
    if version not in {None, kind.api_version}:
        raise errors.BadRequest(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({kind.api_version})"
        )
    if name not in {None, kind.kind}:
        raise errors.BadRequest(f"{name} in version {version!r} cannot be handled as a {kind.kind}")
    if not isinstance(body.get("metadata", {}), dict):
        raise errors.BadRequest("metadata must be an object")


def fresh(
    body: Mapping[str, Any], *, name: str, namespace: str, uid: str, created: str
) -> dict[str, Any]:
    """The metadata of a new object."""
    given = body.get("metadata") or {}
    metadata = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if given.get("generateName"):
        metadata["generateName"] = given["generateName"]
    metadata |= {"uid": uid, "creationTimestamp": created}
    refused = (*_OWNED_BY_SERVER, *_NEVER_STORED, "resourceVersion")
    return metadata | _clean({k: v for k, v in given.items() if k not in refused})


def updated(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of an updated object: the server's own fields stay as they are."""
    kept = {key: old[key] for key in (*_OWNED_BY_SERVER, "resourceVersion") if key in old}
    given = {
        key: value
        for key, value in new.items()
        if key not in kept and key not in (*_OWNED_BY_SERVER, *_NEVER_STORED, "resourceVersion")
    }
    return kept | _clean(given)


def _clean(given: dict[str, Any]) -> dict[str, Any]:
    """Without empty maps and lists: the API does not keep them."""
    return {key: value for key, value in given.items() if value not in (None, {}, [], "")}


def check(metadata: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What is wrong with names, labels, annotations, finalizers or owners."""
    return tuple(_broken(metadata))


def _broken(metadata: Mapping[str, Any]) -> Iterator[Cause]:
    name = metadata["name"]
    if len(name) > _MAX_NAME or not _SUBDOMAIN.fullmatch(name):
        yield _invalid(
            "metadata.name",
            name,
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, "
            "'-' or '.', and must start and end with an alphanumeric character (e.g. "
            "'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        )
    for key, value in (metadata.get("labels") or {}).items():
        if not _QUALIFIED.fullmatch(key):
            yield _invalid("metadata.labels", key, "name part must be a qualified name")
        if len(value) > _MAX_LABEL_VALUE:
            yield _invalid("metadata.labels", value, "must be no more than 63 characters")
        elif not _LABEL_VALUE.fullmatch(value):
            yield _invalid(
                "metadata.labels",
                value,
                "a valid label must be an empty string or consist of alphanumeric characters, "
                "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
                "'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            )
    annotations = metadata.get("annotations") or {}
    if sum(len(k) + len(v) for k, v in annotations.items()) > _MAX_ANNOTATIONS_BYTES:
        yield Cause(
            "metadata.annotations",
            "FieldValueTooLong",
            f"Too long: may not be more than {_MAX_ANNOTATIONS_BYTES} bytes",
        )
    for index, finalizer in enumerate(metadata.get("finalizers") or ()):
        if "/" not in finalizer and finalizer not in {"orphan", "foregroundDeletion"}:
            yield _invalid(
                f"metadata.finalizers[{index}]",
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            )
    yield from _owners(metadata)


def _owners(metadata: Mapping[str, Any]) -> Iterator[Cause]:
    owners = metadata.get("ownerReferences") or ()
    for owner in owners:
        for key in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(key):
                yield _invalid(f"metadata.ownerReferences.{key}", "", "must not be empty")
    if sum(bool(owner.get("controller")) for owner in owners) > 1:
        yield _invalid(
            "metadata.ownerReferences",
            "ownerReferences",
            "Only one reference can have Controller set to true",
        )


def _invalid(field: str, value: str, message: str) -> Cause:
    return Cause(field, "FieldValueInvalid", f'Invalid value: "{value}": {message}')


def check_texts(metadata: Mapping[str, Any]) -> None:
    """Refuse labels, annotations and finalizers that are not text, as a typed decoder does.

    Raises:
        BadRequest: a value of another type.
    """
    for field in ("labels", "annotations"):
        values = metadata.get(field) or {}
        if not isinstance(values, Mapping):
            raise errors.BadRequest(f"json: cannot unmarshal into field ObjectMeta.{field}: no map")
        for key, value in values.items():
            if not isinstance(value, str):
                raise errors.BadRequest(
                    f"json: cannot unmarshal {type(value).__name__} into Go struct field "
                    f"ObjectMeta.metadata.{field} of type string (key {key!r})"
                )
    for field in ("finalizers", "ownerReferences"):
        if not isinstance(metadata.get(field) or [], list):
            raise errors.BadRequest(f"json: cannot unmarshal ObjectMeta.metadata.{field}: no list")


def check_place(given: Mapping[str, Any], *, name: str, namespace: str) -> None:
    """Refuse an update that names another object than its URL.

    Raises:
        BadRequest: name or namespace differ.
    """
    if not given.get("name"):
        raise errors.BadRequest(
            f"the name of the object ({name} based on URL) was undeterminable: name must be "
            "provided"
        )
    if given["name"] != name:
        raise errors.BadRequest(
            f"the name of the object ({given['name']}) does not match the name on the URL ({name})"
        )
    if given.get("namespace") not in {None, "", namespace}:
        raise errors.BadRequest(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def forbidden_changes(old: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What an update may not do to the metadata."""
    immutable = tuple(
        _invalid(f"metadata.{field}", str(given[field]), "field is immutable")
        for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds")
        if given.get(field) is not None and given[field] != old.get(field)
    )
    return immutable + _new_finalizers(old, given)


def _new_finalizers(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Cause, ...]:
    """The refusal of finalizers added to an object that is already being deleted."""
    if not old.get("deletionTimestamp"):
        return ()
    added = [f for f in new.get("finalizers") or () if f not in (old.get("finalizers") or ())]
    if not added:
        return ()
    shown = ", ".join(f'"{finalizer}"' for finalizer in added)
    return (
        Cause(
            "metadata.finalizers",
            "FieldValueForbidden",
            "Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{shown}}}",
        ),
    )
